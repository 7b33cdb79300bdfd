const std = @import("std");
const fuzz_module = @import("../fuzz.zig");
const message = @import("message.zig");

test "messages are written as the protocol has them" {
    var buffer: message.Buffer = .empty;
    defer buffer.deinit(std.testing.allocator);
    const writer: message.Writer = .{ .buffer = &buffer, .allocator = std.testing.allocator };
    try writer.parse("s1", "SELECT $1");
    try writer.bind("s1", &.{ .{ .integer = -2 }, .{ .text = "text" } });
    try writer.execute();
    try writer.sync();
    try std.testing.expectEqualStrings(
        "P\x00\x00\x00\x13s1\x00SELECT $1\x00\x00\x00" ++
            "B\x00\x00\x00\x28\x00s1\x00\x00\x02\x00\x01\x00\x00\x00\x02" ++
            "\x00\x00\x00\x08\xff\xff\xff\xff\xff\xff\xff\xfe\x00\x00\x00\x04text\x00\x01\x00\x01" ++
            "E\x00\x00\x00\x09\x00\x00\x00\x00\x00" ++ "S\x00\x00\x00\x04",
        buffer.items,
    );
}

test "messages are read once they are complete" {
    const octets = "Z\x00\x00\x00\x05I" ++ "C\x00\x00\x00\x0fUPDATE 12\x00\x00";
    for (0..6) |length| try std.testing.expectEqual(null, try message.Message.next(octets[0..length]));
    const first = (try message.Message.next(octets)).?;
    try std.testing.expectEqual('Z', first.tag);
    try std.testing.expectEqualStrings("I", first.payload);
    try std.testing.expectEqual(6, first.length);
    try std.testing.expectError(error.Malformed, message.Message.next("Z\x00\x00\x00\x03"));
    try std.testing.expectError(error.Malformed, message.Message.next("Z\xff\xff\xff\xff"));
    try std.testing.expectEqual(6, message.announcedLength(octets));
}

test "rows are read column by column" {
    const payload = "\x00\x03" ++ "\x00\x00\x00\x08" ++ "\x00\x00\x00\x00\x00\x00\x00\x07" ++ "\x00\x00\x00\x02ab" ++
        "\x00\x00\x00\x08" ++ "\x00\x02\xea\x99\x5a\x4b\x64\x00";
    var row: message.Row = try .init(payload, 3);
    try std.testing.expectEqual(7, try row.integer());
    try std.testing.expectEqualStrings("ab", try row.text());
    const microseconds = std.mem.readInt(i64, payload[payload.len - 8 ..][0..8], .big);
    try std.testing.expectEqual(946_684_800_000 + @as(u64, @intCast(@divFloor(microseconds, 1000))), try row.time());
    try std.testing.expectError(error.Malformed, row.text());
    try std.testing.expectError(error.Malformed, message.Row.init(payload, 2));
    var null_row: message.Row = try .init("\x00\x01\xff\xff\xff\xff", 1);
    try std.testing.expectError(error.Malformed, null_row.text());
}

test "errors have what the API tells apart" {
    const failure: message.ServerError = try .parse("SERROR\x00C23505\x00Mduplicate key\x00nusers_email_key\x00\x00");
    try std.testing.expectEqualStrings("23505", &failure.code);
    try std.testing.expectEqualStrings("users_email_key", failure.constraint.slice());
    try std.testing.expectEqualStrings("duplicate key", failure.message.slice());
    try std.testing.expect(!failure.isOutage());
    for ([_][]const u8{ "57P01", "57P03", "53300", "08006" }) |code| {
        var outage: message.ServerError = .{};
        outage.code = code[0..5].*;
        try std.testing.expect(outage.isOutage());
    }
    const long: message.ServerError = try .parse("M" ++ "\u{e9}" ** 200 ++ "\x00");
    try std.testing.expectEqual(160, long.message.length);
    try std.testing.expectError(error.Malformed, message.ServerError.parse("Mno end"));
}

test "the tag of a command tells the rows" {
    try std.testing.expectEqual(1, message.affectedRows("INSERT 0 1\x00"));
    try std.testing.expectEqual(20, message.affectedRows("SELECT 20\x00"));
    try std.testing.expectEqual(0, message.affectedRows("BEGIN\x00"));
    try std.testing.expectEqual(0, message.affectedRows(""));
}

test "fuzz: whatever a server sends is read within its bounds" {
    var fuzz: fuzz_module.Fuzz = .init(6);
    const right = "\x00\x02\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00\x07\x00\x00\x00\x02ab";
    const failure = "SERROR\x00C23505\x00Mmessage\x00nname\x00\x00";
    var buffer: [256]u8 = undefined;
    for (0..fuzz_module.rounds) |_| {
        if (message.Row.init(fuzz.mutate(right, &buffer), 2)) |parsed| {
            var row = parsed;
            while (row.text()) |_| {} else |end| try std.testing.expectEqual(error.Malformed, end);
        } else |end| try std.testing.expectEqual(error.Malformed, end);
        if (message.ServerError.parse(fuzz.mutate(failure, &buffer))) |parsed| {
            try std.testing.expect(std.unicode.utf8ValidateSlice(parsed.message.slice()));
        } else |end| try std.testing.expectEqual(error.Malformed, end);
        _ = message.affectedRows(fuzz.mutate("INSERT 0 1\x00", &buffer));
    }
}
