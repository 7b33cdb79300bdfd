const std = @import("std");
const identifier = @import("identifier.zig");

test "ids" {
    try std.testing.expectEqual(1, identifier.parse("1"));
    try std.testing.expectEqual(std.math.maxInt(i64), identifier.parse("9223372036854775807"));
    for ([_][]const u8{ "", "0", "00", "01", "-1", "+1", "1.0", "1e3", "0x1", "a", "1a", " 1", "9223372036854775808", "1" ** 20 }) |text| {
        try std.testing.expectEqual(null, identifier.parse(text));
    }
}

test "usernames" {
    for ([_][]const u8{ "a_0", "a" ** 32, "___", "123" }) |name| try std.testing.expect(identifier.isUsername(name));
    for ([_][]const u8{ "", "ab", "a" ** 33, "Alice", "al ice", "al-ice", "alic\u{e9}", "ali\x00ce" }) |name| {
        try std.testing.expect(!identifier.isUsername(name));
    }
}
