//! Which files are taken, and under which names they are shown.

const std = @import("std");

/// Bytes of a content that `detectType` looks at.
pub const prefix_length = 12;
pub const max_name = 100;

/// The media type of a content by its first bytes: `prefix_length` of them, or
/// all where there are fewer. Null: it isn't taken.
pub fn detectType(prefix: []const u8) ?[]const u8 {
    if (std.mem.startsWith(u8, prefix, "\x89PNG\r\n\x1a\n")) return "image/png";
    if (std.mem.startsWith(u8, prefix, "\xff\xd8\xff")) return "image/jpeg";
    if (prefix.len == 12 and std.mem.startsWith(u8, prefix, "RIFF") and std.mem.endsWith(u8, prefix, "WEBP")) return "image/webp";
    if (std.mem.startsWith(u8, prefix, "%PDF-")) return "application/pdf";
    return null;
}

/// Turns the name that a client gave into one that is safe to show, and to put
/// between quotes in a header. It is never used as a path.
pub fn safeName(given: []const u8, buffer: *[max_name]u8) []const u8 {
    const start = if (std.mem.lastIndexOfAny(u8, given, "/\\")) |separator| separator + 1 else 0;
    const name = std.mem.trimLeft(u8, given[start..], ".");
    const safe = buffer[0..@min(name.len, max_name)];
    for (safe, name[0..safe.len]) |*byte, wanted| {
        const is_safe = std.ascii.isAlphanumeric(wanted) or std.mem.indexOfScalar(u8, ".-_", wanted) != null;
        byte.* = if (is_safe) wanted else '_';
    }
    return if (safe.len == 0) "file" else safe;
}
