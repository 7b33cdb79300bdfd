//! A JSON text that must be one object, with some members of interest.

const std = @import("std");
const reader_module = @import("reader.zig");

pub const Error = reader_module.Error || std.mem.Allocator.Error;

/// A member of interest.
pub const Member = struct {
    name: []const u8,
    value: ?Value = null,
};

pub const Value = struct {
    kind: reader_module.Kind,
    /// As it stands in the text.
    raw: []const u8,

    /// The characters of a string.
    pub fn decode(value: Value, allocator: std.mem.Allocator) std.mem.Allocator.Error![]const u8 {
        std.debug.assert(value.kind == .string);
        const inner = value.raw[1 .. value.raw.len - 1];
        const string: reader_module.String = .{ .raw = inner, .escaped = std.mem.indexOfScalar(u8, inner, '\\') != null };
        return string.decode(allocator);
    }
};

/// Reads `text`, which must be one object in valid UTF-8 without a name twice,
/// and fills in the members that it has. Values refer to the text.
pub fn read(text: []const u8, members: []Member, allocator: std.mem.Allocator) Error!void {
    if (!std.unicode.utf8ValidateSlice(text)) return error.Malformed;
    var reader: reader_module.Reader = .{ .text = text };
    var names: std.ArrayListUnmanaged([]const u8) = .empty;
    defer names.deinit(allocator);
    reader.skipBlanks();
    try reader.open('{');
    if (!reader.take('}')) {
        while (true) {
            const name = try (try reader.name()).decode(allocator);
            try names.append(allocator, name);
            const value: Value = .{ .kind = try reader.kind(), .raw = try reader.skip() };
            if (find(members, name)) |member| member.value = value;
            if (!try reader.another('}')) break;
        }
    }
    try reader.expectEnd();
    if (hasDuplicate(names.items)) return error.Malformed;
}

fn find(members: []Member, name: []const u8) ?*Member {
    for (members) |*member| {
        if (std.mem.eql(u8, member.name, name)) return member;
    }
    return null;
}

/// Sorts, since whoever sends the names could make a hash table slow.
fn hasDuplicate(names: [][]const u8) bool {
    if (names.len == 0) return false;
    std.sort.pdq([]const u8, names, {}, isBefore);
    for (names[1..], names[0 .. names.len - 1]) |name, previous| {
        if (std.mem.eql(u8, name, previous)) return true;
    }
    return false;
}

fn isBefore(_: void, a: []const u8, b: []const u8) bool {
    return std.mem.lessThan(u8, a, b);
}
