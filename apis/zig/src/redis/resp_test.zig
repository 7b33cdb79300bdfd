const std = @import("std");
const fuzz_module = @import("../testing/fuzz.zig");
const resp = @import("resp.zig");

test "commands are written as arrays of bulk strings" {
    var buffer: resp.Buffer = .empty;
    defer buffer.deinit(std.testing.allocator);
    try resp.writeCommand(&buffer, std.testing.allocator, &.{ "SET", "post:1", "a\r\nb", "EX", "" });
    try std.testing.expectEqualStrings("*5\r\n$3\r\nSET\r\n$6\r\npost:1\r\n$4\r\na\r\nb\r\n$2\r\nEX\r\n$0\r\n\r\n", buffer.items);
}

test "replies of each kind" {
    const cases = [_]struct { []const u8, resp.Reply }{
        .{ "+OK\r\n", .{ .simple = "OK" } },
        .{ ":-1\r\n", .{ .simple = "-1" } },
        .{ "-ERR no\r\n", .{ .failure = "ERR no" } },
        .{ "$-1\r\n", .null },
        .{ "$0\r\n\r\n", .{ .bulk = "" } },
        .{ "$5\r\na\r\nbc\r\n", .{ .bulk = "a\r\nbc" } },
    };
    for (cases) |case| {
        for (0..case[0].len) |cut| {
            const result = try resp.parse(case[0][0..cut]);
            try std.testing.expect(result.needs > cut and result.needs <= case[0].len);
        }
        const parsed = (try resp.parse(case[0])).parsed;
        try std.testing.expectEqual(case[0].len, parsed.length);
        try std.testing.expectEqualDeep(case[1], parsed.reply);
    }
}

test "what is no reply is refused" {
    for ([_][]const u8{
        "\r\n", "?\r\n", "+OK\rx", "$x\r\n", "$\r\n", "$-2\r\n", "$99999999999\r\n", "$999999999\r\n", "$1\r\nabc", "*1\r\n", "x" ** 5000,
    }) |text| try std.testing.expectError(error.Malformed, resp.parse(text));
}

test "fuzz: a reply is taken, refused, or found incomplete" {
    var fuzz: fuzz_module.Fuzz = .init(8);
    const pieces = [_][]const u8{ "$", "+", "-", ":", "*", "1", "0", "-1", "\r\n", "\r", "\n", "abc", "$3\r\nabc\r\n" };
    var buffer: [256]u8 = undefined;
    for (0..fuzz_module.rounds) |round| {
        const text = if (round % 2 == 0) fuzz.mutate("$5\r\nhello\r\n", &buffer) else fuzz.join(&pieces, &buffer);
        switch (resp.parse(text) catch continue) {
            .needs => |length| try std.testing.expect(length > text.len),
            .parsed => |parsed| try std.testing.expect(parsed.length <= text.len and parsed.length >= 3),
        }
    }
}
