//! The rules of the fields that JSON bodies have.

const std = @import("std");
const identifier = @import("../identifier.zig");

/// Returns what is wrong with a value, or null.
pub const Rule = *const fn (value: []const u8) ?[]const u8;

pub const required = "is required";
const no_nul = "must not contain U+0000";

pub fn username(value: []const u8) ?[]const u8 {
    return if (identifier.isUsername(value)) null else "must be 3 to 32 characters of a-z, 0-9 and _";
}

pub fn email(value: []const u8) ?[]const u8 {
    const message = "must be 3 to 254 visible ASCII characters with one @ between others";
    if (value.len < 3 or value.len > 254) return message;
    for (value) |octet| {
        if (octet < 0x21 or octet > 0x7e) return message;
    }
    const at = std.mem.indexOfScalar(u8, value, '@') orelse return message;
    const single = std.mem.lastIndexOfScalar(u8, value, '@').? == at;
    return if (single and at != 0 and at != value.len - 1) null else message;
}

pub fn password(value: []const u8) ?[]const u8 {
    if (hasNul(value)) return no_nul;
    return if (value.len >= 8 and value.len <= 72) null else "must be 8 to 72 bytes";
}

pub fn title(value: []const u8) ?[]const u8 {
    if (hasNul(value)) return no_nul;
    return if (hasCharacters(value, 200)) null else "must be 1 to 200 characters";
}

pub fn body(value: []const u8) ?[]const u8 {
    if (hasNul(value)) return no_nul;
    return if (hasCharacters(value, 20_000)) null else "must be 1 to 20000 characters";
}

/// PostgreSQL can't store this one character in a text.
fn hasNul(value: []const u8) bool {
    return std.mem.indexOfScalar(u8, value, 0) != null;
}

/// `value` is valid UTF-8.
fn hasCharacters(value: []const u8, high: usize) bool {
    var count: usize = 0;
    for (value) |octet| count += @intFromBool(octet & 0xc0 != 0x80);
    return count >= 1 and count <= high;
}
