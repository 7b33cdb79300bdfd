const std = @import("std");
const posix = std.posix;
const log_module = @import("log.zig");
const loop_module = @import("event/loop.zig");

/// Reads what was logged in one turn of the loop.
fn capture(level: log_module.Level, comptime write: fn (*log_module.Log) void) ![]const u8 {
    const pipe = try posix.pipe();
    defer posix.close(pipe[0]);
    var sink: log_module.Sink = .{ .level = level, .fd = pipe[1] };
    const loop = try std.testing.allocator.create(loop_module.Loop);
    defer std.testing.allocator.destroy(loop);
    try loop.init(0);
    defer loop.deinit();
    var log: log_module.Log = .{ .sink = &sink, .loop = loop, .allocator = std.testing.allocator };
    defer log.pending.deinit(std.testing.allocator);
    log.attach();
    write(&log);
    var timer: loop_module.Timer = .{ .expired = ignore };
    loop.startTimer(&timer, .ms_50);
    loop.turn();
    posix.close(pipe[1]);
    return (std.fs.File{ .handle = pipe[0] }).readToEndAlloc(std.testing.allocator, 1 << 20);
}

fn ignore(_: *loop_module.Timer) void {}

test "a line is one JSON object with its members" {
    const lines = try capture(.info, struct {
        fn write(log: *log_module.Log) void {
            log.write(.info, "request", .{ .method = @as([]const u8, "GET"), .path = @as([]const u8, "/a\"b"), .status = @as(u16, 200), .duration_ms = @as(f64, 0.25) });
        }
    }.write);
    defer std.testing.allocator.free(lines);
    try std.testing.expectEqual('\n', lines[lines.len - 1]);
    const parsed = try std.json.parseFromSlice(std.json.Value, std.testing.allocator, lines, .{});
    defer parsed.deinit();
    const members = parsed.value.object;
    try std.testing.expectEqual(7, members.count());
    try std.testing.expectEqualStrings("info", members.get("level").?.string);
    try std.testing.expectEqualStrings("/a\"b", members.get("path").?.string);
    try std.testing.expectEqual(200, members.get("status").?.integer);
    try std.testing.expectEqual(0.25, members.get("duration_ms").?.float);
    try std.testing.expectEqual('Z', members.get("time").?.string[23]);
}

test "levels and limits leave lines out" {
    const lines = try capture(.warn, struct {
        fn write(log: *log_module.Log) void {
            log.write(.info, "left out", .{});
            log.write(.warn, "one", .{});
            for (0..3) |_| log.writeLimited(.redis, .warn, "two", .{});
            log.writeLimited(.postgres, .@"error", "three", .{});
        }
    }.write);
    defer std.testing.allocator.free(lines);
    try std.testing.expectEqual(3, std.mem.count(u8, lines, "\n"));
    try std.testing.expect(std.mem.indexOf(u8, lines, "left out") == null);
}
