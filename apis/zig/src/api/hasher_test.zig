const std = @import("std");
const hasher_module = @import("hasher.zig");
const loop_module = @import("../event/loop.zig");

const Job = hasher_module.Job;

const Waiting = struct {
    job: Job,
    abandoned: std.atomic.Value(bool) = .init(false),
    done: bool = false,

    fn init(waiting: *Waiting, loop: *loop_module.Loop, password: []const u8, stored: ?[]const u8) void {
        waiting.* = .{ .job = .{
            .task = .{ .run = onDone },
            .loop = loop,
            .abandoned = &waiting.abandoned,
            .password = password,
            .stored = stored,
        } };
    }

    fn onDone(task: *loop_module.Task) void {
        const job: *Job = @fieldParentPtr("task", task);
        const waiting: *Waiting = @fieldParentPtr("job", job);
        waiting.done = true;
    }
};

/// Its thread outlives the test.
var hasher: hasher_module.Hasher = .{};

fn perform(loop: *loop_module.Loop, password: []const u8, stored: ?[]const u8) !Job.Outcome {
    var waiting: Waiting = undefined;
    waiting.init(loop, password, stored);
    try hasher.submit(&waiting.job);
    while (!waiting.done) loop.turn();
    return waiting.job.outcome;
}

fn createLoop() !*loop_module.Loop {
    const loop = try std.testing.allocator.create(loop_module.Loop);
    try loop.init(0);
    return loop;
}

fn destroyLoop(loop: *loop_module.Loop) void {
    loop.deinit();
    std.testing.allocator.destroy(loop);
}

test "hashes of this and of another library are verified" {
    const loop = try createLoop();
    defer destroyLoop(loop);
    try hasher.start(1);

    const created = (try perform(loop, "a good password", null)).created;
    try std.testing.expect(std.mem.startsWith(u8, &created, "$argon2id$v=19$m=19456,t=2,p=1$"));
    try std.testing.expectEqual("$argon2id$v=19$m=19456,t=2,p=1$".len + 22 + 1 + 43, created.len);
    try std.testing.expect((try perform(loop, "a good password", &created)).verified);
    try std.testing.expect(!(try perform(loop, "a bad password", &created)).verified);
    try std.testing.expect(!(try perform(loop, "a bad password", &hasher_module.decoy)).verified);
    // By Python's argon2-cffi.
    try std.testing.expect((try perform(loop, "password-1-of-a-seeded-user", foreign_hash)).verified);
    try std.testing.expect(try perform(loop, "x", "plain text") == .failed);
    // Wants more memory than a thread has.
    try std.testing.expect(try perform(loop, "x", "$argon2id$v=19$m=1945600,t=2,p=1" ++ foreign_hash[31..]) == .failed);
}

const foreign_hash = "$argon2id$v=19$m=19456,t=2,p=1$u4+HZJTW75l7hC62vLAkTQ$2av2YZKyExhYdzYnTec7EDMuXOL+nDWEVMkfXWs5D+A";

test "few jobs wait, and those that nobody waits for make room" {
    const loop = try createLoop();
    defer destroyLoop(loop);
    var idle: hasher_module.Hasher = .{ .threads = 2 };
    var waiting: [2 * hasher_module.max_waiting + 3]Waiting = undefined;
    for (&waiting) |*one| one.init(loop, "password", null);
    const first = waiting[0 .. 2 * hasher_module.max_waiting];
    for (first) |*one| try idle.submit(&one.job);
    const late = waiting[first.len..];
    try std.testing.expectError(error.TooManyWaiting, idle.submit(&late[0].job));

    first[7].abandoned.store(true, .monotonic);
    first[9].abandoned.store(true, .monotonic);
    for (late[0..2]) |*one| try idle.submit(&one.job);
    try std.testing.expectError(error.TooManyWaiting, idle.submit(&late[2].job));
    loop.turn();
    for (&waiting, 0..) |*one, index| {
        try std.testing.expectEqual(index == 7 or index == 9, one.done);
        try std.testing.expect(one.job.outcome == .dropped);
    }
}
