const std = @import("std");

pub fn build(b: *std.Build) void {
    const target = b.standardTargetOptions(.{});
    const optimize = b.standardOptimizeOption(.{});
    const strip = b.option(bool, "strip", "Leave debug information out") orelse false;

    inline for (.{ .{ "api", "src/main.zig" }, .{ "floor", "src/floor.zig" } }) |program| {
        const executable = b.addExecutable(.{
            .name = program[0],
            .root_module = b.createModule(.{
                .root_source_file = b.path(program[1]),
                .target = target,
                .optimize = optimize,
                .strip = strip,
            }),
        });
        const install = b.addInstallArtifact(executable, .{});
        b.getInstallStep().dependOn(&install.step);
        b.step(program[0], "Build " ++ program[0]).dependOn(&install.step);
    }

    const fuzz_options = b.addOptions();
    fuzz_options.addOption(
        usize,
        "rounds",
        b.option(usize, "fuzz-rounds", "How often each fuzz test tries (default: 2000)") orelse 2000,
    );
    const tests = b.addTest(.{
        .root_module = b.createModule(.{
            .root_source_file = b.path("src/tests.zig"),
            .target = target,
            .optimize = b.option(std.builtin.OptimizeMode, "test-optimize", "How tests are built") orelse .Debug,
        }),
    });
    tests.root_module.addOptions("fuzz_options", fuzz_options);
    b.step("test", "Run the tests").dependOn(&b.addRunArtifact(tests).step);
}
