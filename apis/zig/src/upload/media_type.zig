//! The types of files that are taken, told by their first octets.

const std = @import("std");

/// Octets of a content that `detect` looks at.
pub const prefix_length = 12;

/// The media type of a content that begins with `prefix`: its first twelve
/// octets, or all of them where there are fewer.
pub fn detect(prefix: []const u8) ?[]const u8 {
    if (std.mem.startsWith(u8, prefix, "\x89PNG\r\n\x1a\n")) return "image/png";
    if (std.mem.startsWith(u8, prefix, "\xff\xd8\xff")) return "image/jpeg";
    if (prefix.len >= 12 and std.mem.eql(u8, prefix[0..4], "RIFF") and std.mem.eql(u8, prefix[8..12], "WEBP")) return "image/webp";
    if (std.mem.startsWith(u8, prefix, "%PDF-")) return "application/pdf";
    return null;
}

/// What precedes the parameters of a Content-Type, without blanks around it.
pub fn withoutParameters(value: []const u8) []const u8 {
    const end = std.mem.indexOfScalar(u8, value, ';') orelse value.len;
    return std.mem.trim(u8, value[0..end], " \t");
}
