const std = @import("std");
const fuzz_module = @import("../testing/fuzz.zig");
const head_module = @import("head.zig");

fn parse(text: []const u8) head_module.Error!head_module.Head {
    return head_module.parse(text);
}

test "a head is taken apart" {
    const head = try parse("POST /api/posts?limit=2?x HTTP/1.1\r\nhost: x\r\nX-A: \t a b\t \r\nCONTENT-length: 12\r\nx-b:\r\nx-b: y\r\n\r\n");
    try std.testing.expectEqualStrings("POST", head.method);
    try std.testing.expectEqualStrings("/api/posts", head.path);
    try std.testing.expectEqualStrings("limit=2?x", head.query);
    try std.testing.expectEqual(12, head.framing.length);
    try std.testing.expect(head.keep_alive);
    try std.testing.expectEqualStrings("a b", head.get("x-a").?);
    try std.testing.expectEqual(null, head.get("x-b"));
    try std.testing.expectEqual(null, head.get("x"));
    try std.testing.expectEqualStrings("x", head.get("Host").?);
    const bare = try parse("GET / HTTP/1.1\r\nHost:\r\n\r\n");
    try std.testing.expectEqualStrings("", bare.query);
    try std.testing.expectEqual(0, bare.framing.length);
}

test "framing and persistence" {
    const head = try parse("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\nExpect: 100-Continue\r\nConnection: a, CLOSE\r\n\r\n");
    try std.testing.expect(head.framing == .chunked);
    try std.testing.expect(head.expects_continue);
    try std.testing.expect(!head.keep_alive);
}

test "what could be read in two ways is refused" {
    for ([_][]const u8{
        "GET\r\n\r\n",
        "GET /\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
        "GET / http/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1 \r\nHost: x\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET * HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.0\r\nHost: x\r\n\r\n",
        "GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "G\x00T / HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /\x80 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nA: b\x00\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\rA: b\r\n\r\n",
        "GET / HTTP/1.1\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: \r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
    }) |text| {
        if (parse(text)) |_| {
            std.debug.print("taken: {s}\n", .{text});
            return error.TestUnexpectedResult;
        } else |failure| try std.testing.expectEqual(error.Malformed, failure);
    }
}

test "fuzz: whatever is sent, a head is taken or refused, and its parts lie within it" {
    var fuzz: fuzz_module.Fuzz = .init(1);
    const pieces = [_][]const u8{
        "GET ",                           "POST ",                 "/",    "/a?b",                     " HTTP/1.1", "\r\n", "\n",       "\r",      "Host: x\r\n", ":",
        "a:b\r\n",                        " ",                     "\t",   "Content-Length: ",         "1",         "-1",   "\r\n\r\n", "chunked", "HTTP/1.0",    "\x00",
        "Transfer-Encoding: chunked\r\n", "Connection: close\r\n", "\xff", "Expect: 100-continue\r\n",
    };
    const right = "POST /a/b?c=d HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nX: y\r\n\r\n";
    var buffer: [1024]u8 = undefined;
    for (0..fuzz_module.rounds) |round| {
        const text = if (round % 2 == 0) fuzz.mutate(right, &buffer) else fuzz.join(&pieces, &buffer);
        const end = std.mem.indexOf(u8, text, "\r\n\r\n") orelse continue;
        const head = parse(text[0 .. end + 4]) catch continue;
        try std.testing.expect(head.path[0] == '/');
        try std.testing.expect(head_module.isToken(head.method));
        var lines = std.mem.splitSequence(u8, head.fields, "\r\n");
        while (lines.next()) |line| try std.testing.expect(std.mem.indexOfAny(u8, line, "\r\n\x00") == null);
        if (head.get("x")) |value| try std.testing.expect(std.mem.indexOfScalar(u8, value, '\n') == null);
    }
}
