//! Where `std.log` writes: one line for each message, on standard error.

const std = @import("std");
const monotonicMilliseconds = @import("event/loop.zig").monotonicMilliseconds;
const Time = @import("time.zig").Time;

/// Messages below are dropped.
pub var level: std.log.Level = .info;

pub fn write(
    comptime message_level: std.log.Level,
    comptime _: @TypeOf(.scope),
    comptime format: []const u8,
    arguments: anytype,
) void {
    if (@intFromEnum(message_level) > @intFromEnum(level)) return;
    // More than a line needs: a path is part of a head, which has at most 14 KiB.
    var buffer: [16 << 10]u8 = undefined;
    var stream = std.io.fixedBufferStream(buffer[0 .. buffer.len - 1]);
    stream.writer().print("{s} " ++ @tagName(message_level) ++ " " ++ format, .{Time.now().iso()} ++ arguments) catch {};
    buffer[stream.pos] = '\n';
    // One call, so that lines of several threads don't mix.
    std.io.getStdErr().writeAll(buffer[0 .. stream.pos + 1]) catch {};
}

/// Lets one line a second through, for messages that each request would repeat.
pub const Limiter = struct {
    /// On the monotonic clock: another one may be set back, and then nothing would pass.
    last: std.atomic.Value(u64) = .init(0),

    pub fn allows(limiter: *Limiter) bool {
        const now = monotonicMilliseconds();
        const last = limiter.last.load(.monotonic);
        if (now - last < std.time.ms_per_s) return false;
        return limiter.last.cmpxchgStrong(last, now, .monotonic, .monotonic) == null;
    }
};
