//! If-None-Match (RFC 9110, section 13.1.2), by the weak comparison.

const std = @import("std");
const Head = @import("../http/head.zig").Head;

/// Tells whether the fields of the request name the tag. They are one list,
/// joined by commas.
pub fn matches(head: *const Head, etag: []const u8) bool {
    var values = head.values("if-none-match");
    var fields: usize = 0;
    var only_star = false;
    while (values.next()) |value| {
        fields += 1;
        only_star = fields == 1 and std.mem.eql(u8, value, "*");
        var elements = std.mem.splitScalar(u8, value, ',');
        while (elements.next()) |element| {
            const trimmed = std.mem.trim(u8, element, " \t");
            const strong = if (std.mem.startsWith(u8, trimmed, "W/")) trimmed[2..] else trimmed;
            if (std.mem.eql(u8, strong, etag)) return true;
        }
    }
    return only_star;
}
