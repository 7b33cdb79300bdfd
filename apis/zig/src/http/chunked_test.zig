const std = @import("std");
const chunked = @import("chunked.zig");
const fuzz_module = @import("../testing/fuzz.zig");

/// Decodes input that arrives in pieces of up to `piece` bytes; returns what is
/// left behind the body, and null if that hasn't ended.
fn decode(input: []const u8, piece: usize, content: *std.ArrayListUnmanaged(u8)) !?[]const u8 {
    var decoder: chunked.Decoder = .{};
    var position: usize = 0;
    var arrived: usize = 0;
    while (decoder.state != .done) {
        if (try decoder.next(input[position..arrived])) |step| {
            try content.appendSlice(std.testing.allocator, step.data);
            position += step.consumed;
            continue;
        }
        if (arrived == input.len) return null;
        arrived = @min(arrived + piece, input.len);
    }
    return input[position..];
}

test "a body is decoded however it is cut, and what follows is left" {
    const input = "9\r\n{\"title\":\r\nF ;x=y\r\n\"t\",\"body\":\"b\" \r\n001\r\n}\r\n0\r\nX-Trailer: x\r\n\r\nGET /";
    for (1..input.len) |piece| {
        var content: std.ArrayListUnmanaged(u8) = .empty;
        defer content.deinit(std.testing.allocator);
        const rest = (try decode(input, piece, &content)).?;
        try std.testing.expectEqualStrings("{\"title\":\"t\",\"body\":\"b\" }", content.items);
        try std.testing.expect(std.mem.startsWith(u8, "GET /", rest));
    }
}

test "what is no chunk is refused" {
    for ([_][]const u8{
        "\r\n",                  "g\r\n",      "-1\r\n", "0x1\r\n", "1\n",     "1\r\r",      "1\r\nab",    "1\r\na\rb", "1\r\na\n",
        "10000000000000000\r\n", "1;\x00\r\n", " 1\r\n", ";\r\n",   "0\r\n\n", "0\r\na\x00", "0\r\na\r\r",
    }) |input| {
        var content: std.ArrayListUnmanaged(u8) = .empty;
        defer content.deinit(std.testing.allocator);
        try std.testing.expectError(error.Malformed, decode(input, input.len, &content));
    }
}

test "lines and trailers have limits" {
    var content: std.ArrayListUnmanaged(u8) = .empty;
    defer content.deinit(std.testing.allocator);
    try std.testing.expectError(error.Malformed, decode("1;" ++ "x" ** 2000, 100, &content));
    try std.testing.expectError(error.Malformed, decode("0\r\n" ++ "x: y\r\n" ** 2000, 100, &content));
}

test "fuzz: the way in which a body is cut changes nothing" {
    var fuzz: fuzz_module.Fuzz = .init(2);
    const right = "3;a\r\nabc\r\n1f\r\n0123456789012345678901234567890\r\n0\r\nT: x\r\n\r\nmore";
    var buffer: [256]u8 = undefined;
    for (0..fuzz_module.rounds) |_| {
        const input = fuzz.mutate(right, &buffer);
        var whole: std.ArrayListUnmanaged(u8) = .empty;
        defer whole.deinit(std.testing.allocator);
        var pieces: std.ArrayListUnmanaged(u8) = .empty;
        defer pieces.deinit(std.testing.allocator);
        const expected = decode(input, input.len + 1, &whole);
        const seen = decode(input, 1 + fuzz.below(8), &pieces);
        if (expected) |rest| {
            try std.testing.expectEqualStrings(whole.items, pieces.items);
            try std.testing.expectEqual(rest == null, (try seen) == null);
        } else |failure| try std.testing.expectError(failure, seen);
    }
}
