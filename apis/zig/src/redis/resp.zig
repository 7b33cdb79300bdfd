//! RESP2, the protocol of Redis: commands are written, replies read. Of replies,
//! the kinds that the commands of the contract have.

const std = @import("std");

pub const Buffer = std.ArrayListUnmanaged(u8);

/// Appends a command with its arguments.
pub fn writeCommand(buffer: *Buffer, allocator: std.mem.Allocator, arguments: []const []const u8) std.mem.Allocator.Error!void {
    var size: usize = 16;
    for (arguments) |argument| size += argument.len + 32;
    try buffer.ensureUnusedCapacity(allocator, size);
    writeCount(buffer, '*', arguments.len);
    for (arguments) |argument| {
        writeCount(buffer, '$', argument.len);
        buffer.appendSliceAssumeCapacity(argument);
        buffer.appendSliceAssumeCapacity("\r\n");
    }
}

fn writeCount(buffer: *Buffer, kind: u8, count: usize) void {
    buffer.appendAssumeCapacity(kind);
    var digits: [20]u8 = undefined;
    buffer.appendSliceAssumeCapacity(digits[0..std.fmt.formatIntBuf(&digits, count, 10, .lower, .{})]);
    buffer.appendSliceAssumeCapacity("\r\n");
}

pub const Reply = union(enum) {
    /// A simple string, or an integer in decimal.
    simple: []const u8,
    failure: []const u8,
    bulk: []const u8,
    null,
};

pub const Error = error{Malformed};

/// Octets that a value may have: above the largest page of posts.
pub const max_bulk = 32 << 20;
const max_line = 4 << 10;

pub const Parsed = struct {
    reply: Reply,
    /// Octets of the whole reply.
    length: usize,
};

pub const Result = union(enum) {
    parsed: Parsed,
    /// The reply isn't complete; it has at least so many octets.
    needs: usize,
};

/// Reads the reply at the front of `octets`.
pub fn parse(octets: []const u8) Error!Result {
    const line_end = std.mem.indexOfScalar(u8, octets, '\r') orelse {
        return if (octets.len > max_line) error.Malformed else .{ .needs = octets.len + 1 };
    };
    if (line_end == 0) return error.Malformed;
    if (octets.len < line_end + 2) return .{ .needs = line_end + 2 };
    if (octets[line_end + 1] != '\n') return error.Malformed;
    const line = octets[1..line_end];
    const reply: Reply = switch (octets[0]) {
        '+', ':' => .{ .simple = line },
        '-' => .{ .failure = line },
        '$' => {
            if (std.mem.eql(u8, line, "-1")) return .{ .parsed = .{ .reply = .null, .length = line_end + 2 } };
            return parseBulk(octets, line_end + 2, line);
        },
        else => return error.Malformed,
    };
    return .{ .parsed = .{ .reply = reply, .length = line_end + 2 } };
}

fn parseBulk(octets: []const u8, start: usize, digits: []const u8) Error!Result {
    if (digits.len == 0 or digits.len > 9) return error.Malformed;
    var size: usize = 0;
    for (digits) |digit| {
        if (!std.ascii.isDigit(digit)) return error.Malformed;
        size = size * 10 + (digit - '0');
    }
    if (size > max_bulk) return error.Malformed;
    const length = start + size + 2;
    if (octets.len < length) return .{ .needs = length };
    if (!std.mem.eql(u8, octets[length - 2 .. length], "\r\n")) return error.Malformed;
    return .{ .parsed = .{ .reply = .{ .bulk = octets[start..][0..size] }, .length = length } };
}
