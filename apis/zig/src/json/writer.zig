//! JSON, written in the contract's one way: no whitespace, nothing escaped that
//! need not be.

const std = @import("std");

pub const Buffer = std.ArrayListUnmanaged(u8);
pub const Error = std.mem.Allocator.Error;

/// Appends a string with its quotes. `text` is UTF-8.
pub fn string(buffer: *Buffer, allocator: std.mem.Allocator, text: []const u8) Error!void {
    try buffer.ensureUnusedCapacity(allocator, text.len + 2);
    buffer.appendAssumeCapacity('"');
    var start: usize = 0;
    while (nextEscape(text, start)) |position| {
        try buffer.appendSlice(allocator, text[start..position]);
        try escape(buffer, allocator, text[position]);
        start = position + 1;
    }
    try buffer.appendSlice(allocator, text[start..]);
    try buffer.append(allocator, '"');
}

/// Where the next octet is that can't stand for itself.
fn nextEscape(text: []const u8, start: usize) ?usize {
    const width = std.simd.suggestVectorLength(u8) orelse 16;
    const Vector = @Vector(width, u8);
    var position = start;
    while (text.len - position >= width) : (position += width) {
        const octets: Vector = text[position..][0..width].*;
        const quote = octets == @as(Vector, @splat('"'));
        const backslash = octets == @as(Vector, @splat('\\'));
        const control = octets & @as(Vector, @splat(0xe0)) == @as(Vector, @splat(0)); // below U+0020
        if (@reduce(.Or, quote) or @reduce(.Or, backslash) or @reduce(.Or, control)) break;
    }
    while (position < text.len) : (position += 1) {
        const octet = text[position];
        if (octet < ' ' or octet == '"' or octet == '\\') return position;
    }
    return null;
}

fn escape(buffer: *Buffer, allocator: std.mem.Allocator, octet: u8) Error!void {
    const short: u8 = switch (octet) {
        '"', '\\' => octet,
        0x08 => 'b',
        '\t' => 't',
        '\n' => 'n',
        0x0c => 'f',
        '\r' => 'r',
        else => {
            const hex = std.fmt.hex(octet);
            return buffer.appendSlice(allocator, &[_]u8{ '\\', 'u', '0', '0', hex[0], hex[1] });
        },
    };
    return buffer.appendSlice(allocator, &[_]u8{ '\\', short });
}

/// Appends an integer in plain decimal.
pub fn integer(buffer: *Buffer, allocator: std.mem.Allocator, number: i64) Error!void {
    var digits: [20]u8 = undefined;
    const length = std.fmt.formatIntBuf(&digits, number, 10, .lower, .{});
    return buffer.appendSlice(allocator, digits[0..length]);
}
