//! RESP2, the protocol of Redis: commands are written, replies read. Of replies,
//! the kinds that the API's commands have.

const std = @import("std");

pub const Buffer = std.ArrayListUnmanaged(u8);

/// Appends a command with its arguments.
pub fn writeCommand(buffer: *Buffer, allocator: std.mem.Allocator, arguments: []const []const u8) std.mem.Allocator.Error!void {
    const writer = buffer.writer(allocator);
    try writer.print("*{d}\r\n", .{arguments.len});
    for (arguments) |argument| {
        try writer.print("${d}\r\n", .{argument.len});
        try buffer.ensureUnusedCapacity(allocator, argument.len + 2);
        buffer.appendSliceAssumeCapacity(argument);
        buffer.appendSliceAssumeCapacity("\r\n");
    }
}

pub const Reply = union(enum) {
    /// A simple string, or an integer in decimal.
    simple: []const u8,
    failure: []const u8,
    bulk: []const u8,
    null,
};

pub const Error = error{Malformed};

/// Bytes that a value may have: above the largest page of posts.
const max_bulk = 32 << 20;
const max_line = 4 << 10;

pub const Result = union(enum) {
    parsed: struct {
        reply: Reply,
        /// Bytes of the whole reply.
        length: usize,
    },
    /// The reply isn't complete; it has at least so many bytes.
    needs: usize,
};

/// Reads the reply at the front of `bytes`.
pub fn parse(bytes: []const u8) Error!Result {
    const line_end = std.mem.indexOfScalar(u8, bytes, '\r') orelse {
        return if (bytes.len > max_line) error.Malformed else .{ .needs = bytes.len + 1 };
    };
    const behind = line_end + 2;
    if (line_end == 0) return error.Malformed;
    if (bytes.len < behind) return .{ .needs = behind };
    if (bytes[line_end + 1] != '\n') return error.Malformed;
    const line = bytes[1..line_end];
    const reply: Reply = switch (bytes[0]) {
        '+', ':' => .{ .simple = line },
        '-' => .{ .failure = line },
        '$' => {
            if (std.mem.eql(u8, line, "-1")) return .{ .parsed = .{ .reply = .null, .length = behind } };
            const size = std.fmt.parseInt(u32, line, 10) catch return error.Malformed;
            if (size > max_bulk) return error.Malformed;
            const length = behind + size + 2;
            if (bytes.len < length) return .{ .needs = length };
            if (!std.mem.eql(u8, bytes[length - 2 .. length], "\r\n")) return error.Malformed;
            return .{ .parsed = .{ .reply = .{ .bulk = bytes[behind..][0..size] }, .length = length } };
        },
        else => return error.Malformed,
    };
    return .{ .parsed = .{ .reply = reply, .length = behind } };
}
