const std = @import("std");
const hasher_module = @import("hasher.zig");
const loop_module = @import("../event/loop.zig");
const phc = @import("phc.zig");

const Waiting = struct {
    job: hasher_module.Job,
    done: bool = false,

    fn onDone(task: *loop_module.Task) void {
        const job: *hasher_module.Job = @fieldParentPtr("task", task);
        const waiting: *Waiting = @fieldParentPtr("job", job);
        waiting.done = true;
    }
};

/// The threads outlive the test.
var hasher: hasher_module.Hasher = .{};

fn perform(loop: *loop_module.Loop, password: []const u8, work: hasher_module.Job.Work) hasher_module.Job.Work {
    var waiting: Waiting = .{ .job = .{ .task = .{ .run = Waiting.onDone }, .loop = loop, .password = password, .work = work } };
    hasher.submit(&waiting.job);
    while (!waiting.done) loop.turn();
    return waiting.job.work;
}

test "hashes of this and of another library are verified" {
    const loop = try std.testing.allocator.create(loop_module.Loop);
    defer std.testing.allocator.destroy(loop);
    try loop.init(0);
    defer loop.deinit();
    try hasher.start(1);

    const created = perform(loop, "a good password", .{ .create = error.NotComputed });
    const text = try created.create;
    try std.testing.expectEqual(phc.text_length, text.len);
    const right = perform(loop, "a good password", .{ .verify = .{ .stored = &text } });
    try std.testing.expect(try right.verify.outcome);
    const wrong = perform(loop, "a bad password", .{ .verify = .{ .stored = &text } });
    try std.testing.expect(!try wrong.verify.outcome);
    // By Python's argon2-cffi.
    const foreign = perform(loop, "password-1-of-a-seeded-user", .{ .verify = .{ .stored = foreign_hash } });
    try std.testing.expect(try foreign.verify.outcome);
    const none = perform(loop, "x", .{ .verify = .{ .stored = "plain text" } });
    try std.testing.expectError(error.NotArgon2id, none.verify.outcome);
}

const foreign_hash = "$argon2id$v=19$m=19456,t=2,p=1$u4+HZJTW75l7hC62vLAkTQ$2av2YZKyExhYdzYnTec7EDMuXOL+nDWEVMkfXWs5D+A";
