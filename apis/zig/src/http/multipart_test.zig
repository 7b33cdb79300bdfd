const std = @import("std");
const fuzz_module = @import("../testing/fuzz.zig");
const multipart = @import("multipart.zig");

const content = "\x89PNG\r\n\x1a\n" ++ "\r\n--" ++ "content\r\n-" ++ "\r\n--B" ++ "\r\n--BBX" ++ "\r";
const file_head = "Content-Disposition: form-data; name=\"file\"; filename=\"a b.png\"\r\nContent-Type: image/png";
const body = "preamble\r\n--BBX\r\n" ++
    "--BB\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\ntext\r\n" ++
    "--BB\r\n" ++ file_head ++ "\r\n\r\n" ++ content ++ "\r\n" ++
    "--BB\r\n\r\nno headers\r\n" ++ "--BB--\r\nepilogue --BB";

/// Reads a body that arrives in pieces into a text that has every event.
fn read(input: []const u8, piece: usize, text: *std.ArrayListUnmanaged(u8), allocator: std.mem.Allocator) !bool {
    const reader = try allocator.create(multipart.Reader);
    reader.* = try .init("multipart/form-data; boundary=BB");
    var rest = input;
    while (rest.len != 0) {
        var piece_left = rest[0..@min(piece, rest.len)];
        rest = rest[piece_left.len..];
        while (piece_left.len != 0) {
            piece_left = piece_left[reader.feed(piece_left)..];
            while (true) switch (try reader.next()) {
                .more => break,
                .part => |lines| try text.writer(allocator).print("<{s}>", .{lines}),
                .content => |bytes| try text.appendSlice(allocator, bytes),
                .end => return true,
            };
        }
    }
    return false;
}

test "parts are found however the body is cut" {
    for (1..body.len + 1) |piece| {
        var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
        defer arena.deinit();
        var text: std.ArrayListUnmanaged(u8) = .empty;
        try std.testing.expect(try read(body, piece, &text, arena.allocator()));
        const expected = "<Content-Disposition: form-data; name=\"note\">text<" ++ file_head ++ ">" ++ content ++ "<>no headers";
        try std.testing.expectEqualStrings(expected, text.items);
    }
}

test "a body that is cut off has no end, and long headers are refused" {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    var text: std.ArrayListUnmanaged(u8) = .empty;
    for ([_][]const u8{ "", "text", "--BB", "--BB\r\n" ++ file_head ++ "\r\n\r\n" ++ content ++ "\r\n--BB-" }) |input| {
        try std.testing.expect(!try read(input, 7, &text, arena.allocator()));
    }
    const long = "--BB\r\nX: " ++ "x" ** 5000 ++ "\r\n\r\ntext\r\n--BB--";
    try std.testing.expectError(error.Malformed, read(long, 7, &text, arena.allocator()));
}

test "boundaries and parameters" {
    for ([_]struct { []const u8, []const u8 }{
        .{ "multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW", "----WebKitFormBoundary7MA4YWxkTrZu0gW" },
        .{ "multipart/form-data; charset=\"a;boundary=b\" ; BOUNDARY=\"two words\"", "two words" },
        .{ "multipart/form-data;x=y;boundary=" ++ "b" ** 70, "b" ** 70 },
    }) |case| {
        const reader: multipart.Reader = try .init(case[0]);
        try std.testing.expectEqualStrings(case[1], reader.delimiter.constSlice()[4..]);
    }
    for ([_][]const u8{ "multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=\"b", "x; boundary=" ++ "b" ** 71, "x; boundary" }) |value| {
        try std.testing.expectError(error.Malformed, multipart.Reader.init(value));
    }
    const part: multipart.Part = .parse("content-disposition: form-data; name=\"file\"; filename=\"a\\\"; name=\\\"x.png\"\r\nX\r\nContent-type: image/png");
    try std.testing.expectEqualStrings("file", part.name);
    try std.testing.expectEqualStrings("a\\\"; name=\\\"x.png", part.filename);
    try std.testing.expectEqualStrings("image/png", part.content_type.?);
}

test "fuzz: the way in which an upload is cut changes nothing" {
    var fuzz: fuzz_module.Fuzz = .init(5);
    const pieces = [_][]const u8{ "--BB", "\r\n", "--", "\r", "\n", "BB", "--BB--", file_head, "\r\n\r\n", content, " ", "x" };
    var buffer: [2048]u8 = undefined;
    for (0..fuzz_module.rounds) |round| {
        var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
        defer arena.deinit();
        const input = if (round % 2 == 0) fuzz.mutate(body, &buffer) else fuzz.join(&pieces, &buffer);
        var whole: std.ArrayListUnmanaged(u8) = .empty;
        var cut: std.ArrayListUnmanaged(u8) = .empty;
        const expected = try read(input, input.len + 1, &whole, arena.allocator());
        try std.testing.expectEqual(expected, try read(input, 1 + fuzz.below(9), &cut, arena.allocator()));
        if (expected) try std.testing.expectEqualStrings(whole.items, cut.items);
    }
}
