const std = @import("std");
const time = @import("time.zig");

test "moments as HTTP shows them" {
    var buffer: [time.http_length]u8 = undefined;
    time.formatHttp(&buffer, 784_111_777); // the example of RFC 9110, section 5.6.7
    try std.testing.expectEqualStrings("Sun, 06 Nov 1994 08:49:37 GMT", &buffer);
    time.formatHttp(&buffer, 951_782_400);
    try std.testing.expectEqualStrings("Tue, 29 Feb 2000 00:00:00 GMT", &buffer);
}

test "moments as JSON shows them" {
    const first: time.Time = .{ .milliseconds = 0 };
    try std.testing.expectEqualStrings("1970-01-01T00:00:00.000Z", &first.iso());
    const last: time.Time = .{ .milliseconds = 253_402_300_799_999 };
    try std.testing.expectEqualStrings("9999-12-31T23:59:59.999Z", &last.iso());
}
