const std = @import("std");
const json = @import("writer.zig");

fn expectString(expected: []const u8, text: []const u8) !void {
    var buffer: json.Buffer = .empty;
    defer buffer.deinit(std.testing.allocator);
    try json.string(&buffer, std.testing.allocator, text);
    try std.testing.expectEqualStrings(expected, buffer.items);
}

test "strings are escaped in the contract's one way" {
    try expectString("\"\"", "");
    try expectString("\"\\\"quoted\\\" \\\\ / <b>&amp;</b> \x7f \u{e9}\u{2028}\"", "\"quoted\" \\ / <b>&amp;</b> \x7f \u{e9}\u{2028}");
    try expectString("\"\\b\\t\\n\\f\\r\\u0000\\u0001\\u001f\\u000b\"", "\x08\t\n\x0c\r\x00\x01\x1f\x0b");
}

test "escapes are found wherever they stand in a long text" {
    var text: [100]u8 = undefined;
    for (0..text.len) |position| {
        @memset(&text, 'x');
        text[position] = '\n';
        var buffer: json.Buffer = .empty;
        defer buffer.deinit(std.testing.allocator);
        try json.string(&buffer, std.testing.allocator, &text);
        try std.testing.expectEqual(text.len + 3, buffer.items.len);
        try std.testing.expectEqualStrings("\\n", buffer.items[position + 1 ..][0..2]);
    }
}

test "integers are plain decimals" {
    var buffer: json.Buffer = .empty;
    defer buffer.deinit(std.testing.allocator);
    for ([_]i64{ 0, -1, std.math.maxInt(i64), std.math.minInt(i64) }) |number| {
        try json.integer(&buffer, std.testing.allocator, number);
        try buffer.append(std.testing.allocator, ' ');
    }
    try std.testing.expectEqualStrings("0 -1 9223372036854775807 -9223372036854775808 ", buffer.items);
}
