const std = @import("std");
const fuzz_module = @import("../testing/fuzz.zig");
const message = @import("message.zig");
const Time = @import("../time.zig").Time;

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
    const bytes = "Z\x00\x00\x00\x05I" ++ "C\x00\x00\x00\x0fUPDATE 12\x00\x00";
    for (0..6) |length| try std.testing.expectEqual(null, try message.Message.next(bytes[0..length]));
    const first = (try message.Message.next(bytes)).?;
    try std.testing.expectEqual('Z', first.tag);
    try std.testing.expectEqualStrings("I", first.payload);
    try std.testing.expectEqual(6, first.length);
    try std.testing.expectError(error.Malformed, message.Message.next("Z\x00\x00\x00\x03"));
    try std.testing.expectError(error.Malformed, message.Message.next("Z\xff\xff\xff\xff"));
    try std.testing.expectEqual(6, message.announcedLength(bytes));
}

const Row = struct { id: i64, nested: struct { text: []const u8 }, time: Time };
const a_row = "\x00\x03" ++ "\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00\x07" ++ "\x00\x00\x00\x02ab" ++
    "\x00\x00\x00\x08\x00\x02\xea\x99\x5a\x4b\x64\x00";

test "rows are read into structs" {
    var rows: message.Rows = .{ .rest = a_row ++ a_row };
    for (0..2) |_| {
        const row = (try rows.next(Row)).?;
        try std.testing.expectEqual(7, row.id);
        try std.testing.expectEqualStrings("ab", row.nested.text);
        const microseconds = std.mem.readInt(i64, a_row[a_row.len - 8 ..][0..8], .big);
        try std.testing.expectEqual(946_684_800_000 + @as(u64, @intCast(@divFloor(microseconds, 1000))), row.time.milliseconds);
    }
    try std.testing.expectEqual(null, try rows.next(Row));
}

test "rows that aren't of the struct are refused" {
    for ([_][]const u8{
        "\x00",                         "\x00\x02",                         "\x00\x01\xff\xff\xff\xff", "\x00\x01\x00\x00\x00\x09" ++ "x" ** 8,
        "\x00\x01\x00\x00\x00\x04abcd", "\x00\x01\x7f\xff\xff\xffabcdefgh",
    }) |bytes| {
        var rows: message.Rows = .{ .rest = bytes };
        try std.testing.expectError(error.Malformed, rows.next(struct { id: i64 }));
    }
}

test "errors have what the API distinguishes" {
    const failure: message.ServerError = try .parse("SERROR\x00C23505\x00Mduplicate key\x00nusers_email_key\x00\x00");
    try std.testing.expectEqualStrings("23505", &failure.code);
    try std.testing.expectEqualStrings("users_email_key", failure.constraint.constSlice());
    try std.testing.expectEqualStrings("23505: duplicate key", failure.text.constSlice());
    const long: message.ServerError = try .parse("M" ++ "x" ** 200 ++ "\x00");
    try std.testing.expectEqual(160, long.text.len);
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
    const failure = "SERROR\x00C23505\x00Mmessage\x00nname\x00\x00";
    var buffer: [256]u8 = undefined;
    for (0..fuzz_module.rounds) |_| {
        var rows: message.Rows = .{ .rest = fuzz.mutate(a_row ++ a_row, &buffer) };
        while (rows.next(Row) catch null) |_| {}
        _ = message.ServerError.parse(fuzz.mutate(failure, &buffer)) catch {};
        _ = message.affectedRows(fuzz.mutate("INSERT 0 1\x00", &buffer));
        _ = message.Message.next(fuzz.mutate("C\x00\x00\x00\x0dSELECT 1\x00", &buffer)) catch {};
    }
}
