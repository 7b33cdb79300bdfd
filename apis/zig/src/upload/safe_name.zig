//! File names that are safe to show, and to put between quotes in a header. They
//! are never used as a path.

const std = @import("std");

pub const max_length = 100;

/// Turns the name that a client gave into a safe one, in `buffer`.
pub fn make(given: []const u8, buffer: *[max_length]u8) []const u8 {
    const start = if (std.mem.lastIndexOfAny(u8, given, "/\\")) |separator| separator + 1 else 0;
    var length: usize = 0;
    var replaced = false;
    for (given[start..]) |octet| {
        if (length == buffer.len) break;
        const safe = std.ascii.isAlphanumeric(octet) or octet == '.' or octet == '-' or octet == '_';
        const leading_dot = octet == '.' and length == 0;
        if (!leading_dot and (safe or !replaced)) {
            buffer[length] = if (safe) octet else '_';
            length += 1;
        }
        replaced = !safe;
    }
    return if (length == 0) "file" else buffer[0..length];
}
