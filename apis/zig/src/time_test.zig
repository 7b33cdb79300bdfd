const std = @import("std");
const time = @import("time.zig");

fn expectTimes(milliseconds: u64, iso: []const u8, http: []const u8) !void {
    var iso_text: [time.iso_length]u8 = undefined;
    time.formatIso(milliseconds, &iso_text);
    try std.testing.expectEqualStrings(iso, &iso_text);
    var http_text: [time.http_length]u8 = undefined;
    time.formatHttp(milliseconds / 1000, &http_text);
    try std.testing.expectEqualStrings(http, &http_text);
}

test "moments are formatted" {
    try expectTimes(0, "1970-01-01T00:00:00.000Z", "Thu, 01 Jan 1970 00:00:00 GMT");
    try expectTimes(1_769_860_800_007, "2026-01-31T12:00:00.007Z", "Sat, 31 Jan 2026 12:00:00 GMT");
    try expectTimes(1_709_251_199_999, "2024-02-29T23:59:59.999Z", "Thu, 29 Feb 2024 23:59:59 GMT");
    try expectTimes(253_402_300_799_999, "9999-12-31T23:59:59.999Z", "Fri, 31 Dec 9999 23:59:59 GMT");
}
