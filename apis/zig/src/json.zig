//! Writes JSON. `std.json.stringify` does the same, but looks at each byte alone, which
//! shows in pages of posts.

const std = @import("std");
const Time = @import("time.zig").Time;

pub const Buffer = std.ArrayListUnmanaged(u8);
const Error = std.mem.Allocator.Error;

/// The text of a value, in the allocator's memory.
pub fn stringify(allocator: std.mem.Allocator, value: anytype) Error![]const u8 {
    var buffer: Buffer = .empty;
    try write(&buffer, allocator, value);
    return buffer.items;
}

/// Appends a value: an integer, text (UTF-8), a moment, an enum's name, a list, null, or a
/// struct of them.
pub fn write(buffer: *Buffer, allocator: std.mem.Allocator, value: anytype) Error!void {
    const Value = @TypeOf(value);
    if (Value == Time) return string(buffer, allocator, &value.iso());
    switch (@typeInfo(Value)) {
        .int, .comptime_int => try buffer.writer(allocator).print("{d}", .{value}),
        .@"enum" => try string(buffer, allocator, @tagName(value)),
        .optional => if (value) |present| try write(buffer, allocator, present) else try buffer.appendSlice(allocator, "null"),
        .array => try write(buffer, allocator, @as([]const @TypeOf(value[0]), &value)),
        .pointer => |pointer| if (pointer.size == .one) {
            try write(buffer, allocator, value.*);
        } else if (pointer.child == u8) {
            try string(buffer, allocator, value);
        } else {
            try buffer.append(allocator, '[');
            for (value, 0..) |item, index| {
                if (index != 0) try buffer.append(allocator, ',');
                try write(buffer, allocator, item);
            }
            try buffer.append(allocator, ']');
        },
        .@"struct" => |info| {
            inline for (info.fields, 0..) |field, index| {
                try buffer.appendSlice(allocator, (if (index == 0) "{\"" else ",\"") ++ field.name ++ "\":");
                try write(buffer, allocator, @field(value, field.name));
            }
            try buffer.append(allocator, '}');
        },
        else => comptime unreachable,
    }
}

fn string(buffer: *Buffer, allocator: std.mem.Allocator, text: []const u8) Error!void {
    try buffer.ensureUnusedCapacity(allocator, text.len + 2);
    buffer.appendAssumeCapacity('"');
    var start: usize = 0;
    while (nextEscape(text, start)) |position| : (start = position + 1) {
        try buffer.appendSlice(allocator, text[start..position]);
        switch (text[position]) {
            '"', '\\' => |byte| try buffer.appendSlice(allocator, &.{ '\\', byte }),
            '\n' => try buffer.appendSlice(allocator, "\\n"),
            else => |byte| try buffer.writer(allocator).print("\\u{x:0>4}", .{byte}),
        }
    }
    try buffer.appendSlice(allocator, text[start..]);
    try buffer.append(allocator, '"');
}

/// Where the next byte is that can't stand for itself.
fn nextEscape(text: []const u8, start: usize) ?usize {
    const width = std.simd.suggestVectorLength(u8) orelse 16;
    const Vector = @Vector(width, u8);
    var position = start;
    while (text.len - position >= width) : (position += width) {
        const bytes: Vector = text[position..][0..width].*;
        const quote = @intFromBool(bytes == @as(Vector, @splat('"')));
        const backslash = @intFromBool(bytes == @as(Vector, @splat('\\')));
        const control = @intFromBool(bytes & @as(Vector, @splat(0xe0)) == @as(Vector, @splat(0))); // below U+0020
        if (@reduce(.Or, quote | backslash | control) != 0) break;
    }
    while (position < text.len) : (position += 1) {
        const byte = text[position];
        if (byte < ' ' or byte == '"' or byte == '\\') return position;
    }
    return null;
}
