const std = @import("std");

pub fn build(b: *std.Build) void {
    const target = b.standardTargetOptions(.{});
    const optimize = b.standardOptimizeOption(.{});
    const strip = b.option(bool, "strip", "Leave debug information out") orelse false;

    const programs = [_][2][]const u8{
        .{ "api", "src/main.zig" },
        .{ "floor", "src/floor.zig" },
        .{ "redis-floor", "src/redis_floor.zig" },
    };
    for (programs) |program| {
        const name, const source = program;
        const executable = b.addExecutable(.{
            .name = name,
            .root_module = b.createModule(.{
                .root_source_file = b.path(source),
                .target = target,
                .optimize = optimize,
                .strip = strip,
            }),
        });
        const install = b.addInstallArtifact(executable, .{});
        b.getInstallStep().dependOn(&install.step);
        b.step(name, b.fmt("Build {s}", .{name})).dependOn(&install.step);
    }

    const fuzz_options = b.addOptions();
    fuzz_options.addOption(usize, "rounds", b.option(usize, "fuzz-rounds", "How often each fuzz test tries (default: 2000)") orelse 2000);
    const tests = b.addTest(.{
        .filters = b.option([]const []const u8, "test-filter", "Run only the tests with this in their name") orelse &.{},
        .root_module = b.createModule(.{
            .root_source_file = b.path("src/tests.zig"),
            .target = target,
            .optimize = b.option(std.builtin.OptimizeMode, "test-optimize", "How tests are built") orelse .Debug,
        }),
    });
    tests.root_module.addOptions("fuzz_options", fuzz_options);
    b.step("test", "Run the tests").dependOn(&b.addRunArtifact(tests).step);
}
