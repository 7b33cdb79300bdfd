//! The log of the contract: one JSON object a line, on standard output.

const std = @import("std");
const posix = std.posix;
const json = @import("json/writer.zig");
const loop_module = @import("event/loop.zig");
const time = @import("time.zig");

pub const Level = enum(u2) { @"error", warn, info };

/// Where the lines of all loops go.
pub const Sink = struct {
    level: Level,
    fd: posix.fd_t = posix.STDOUT_FILENO,
    mutex: std.Thread.Mutex = .{},
    /// Of these, at most one line a second is written by the whole process.
    limits: std.EnumArray(Limit, std.atomic.Value(u64)) = .initFill(.init(0)),

    fn write(sink: *Sink, lines: []const u8) void {
        sink.mutex.lock();
        defer sink.mutex.unlock();
        var rest = lines;
        // A log that nobody takes is no reason to stop.
        while (rest.len != 0) rest = rest[posix.write(sink.fd, rest) catch return ..];
    }

    fn allows(sink: *Sink, limit: Limit, now: u64) bool {
        const last = sink.limits.getPtr(limit);
        const seen = last.load(.monotonic);
        if (seen != 0 and now < seen + std.time.ms_per_s) return false;
        return last.cmpxchgStrong(seen, now, .monotonic, .monotonic) == null;
    }
};

/// Kinds of lines that an outage would fill the log with.
pub const Limit = enum { redis, postgres, descriptors };

/// The log as one loop writes to it. Lines are gathered and written together
/// at the end of the loop's turn.
pub const Log = struct {
    sink: *Sink,
    loop: *loop_module.Loop,
    allocator: std.mem.Allocator,
    pending: json.Buffer = .empty,
    flush_task: loop_module.Task = .{ .run = flushAtEndOfTurn },

    const flush_above = 64 << 10;

    /// Writes the log at the end of every turn of its loop.
    pub fn attach(log: *Log) void {
        log.loop.end_of_turn = &log.flush_task;
    }

    pub fn enabled(log: *const Log, level: Level) bool {
        return @intFromEnum(level) <= @intFromEnum(log.sink.level);
    }

    /// Writes a line; the members of `fields` are strings and numbers.
    pub fn write(log: *Log, level: Level, message: []const u8, fields: anytype) void {
        if (!log.enabled(level)) return;
        const length = log.pending.items.len;
        // A line that there is no memory for is dropped as a whole.
        log.append(level, message, fields) catch log.pending.shrinkRetainingCapacity(length);
        if (log.pending.items.len > flush_above) log.flush();
    }

    /// Writes a line unless one of its kind was written within the last second.
    pub fn writeLimited(log: *Log, limit: Limit, level: Level, message: []const u8, fields: anytype) void {
        if (log.enabled(level) and log.sink.allows(limit, log.loop.now)) log.write(level, message, fields);
    }

    fn append(log: *Log, level: Level, message: []const u8, fields: anytype) !void {
        const buffer, const allocator = .{ &log.pending, log.allocator };
        var timestamp: [time.iso_length]u8 = undefined;
        time.formatIso(time.nowMilliseconds(), &timestamp);
        try buffer.writer(allocator).print("{{\"time\":\"{s}\",\"level\":\"{s}\",\"message\":", .{ timestamp, @tagName(level) });
        try json.string(buffer, allocator, message);
        inline for (@typeInfo(@TypeOf(fields)).@"struct".fields) |field| {
            try buffer.appendSlice(allocator, ",\"" ++ field.name ++ "\":");
            const value = @field(fields, field.name);
            switch (@typeInfo(field.type)) {
                .int, .comptime_int => try json.integer(buffer, allocator, @intCast(value)),
                .float => try buffer.writer(allocator).print("{d:.3}", .{value}),
                else => try json.string(buffer, allocator, value),
            }
        }
        try buffer.appendSlice(allocator, "}\n");
    }

    fn flushAtEndOfTurn(task: *loop_module.Task) void {
        const log: *Log = @fieldParentPtr("flush_task", task);
        log.flush();
    }

    /// Writes what was gathered, for whoever can't wait for the end of the turn.
    pub fn flush(log: *Log) void {
        if (log.pending.items.len == 0) return;
        log.sink.write(log.pending.items);
        log.pending.clearRetainingCapacity();
    }
};
