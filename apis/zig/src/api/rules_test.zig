const std = @import("std");
const entity_tag = @import("entity_tag.zig");
const fields = @import("fields.zig");
const head_module = @import("../http/head.zig");
const page_query = @import("page_query.zig");
const post_cache = @import("post_cache.zig");
const problem = @import("problem.zig");
const route = @import("route.zig");

test "paths match octet for octet" {
    try std.testing.expectEqual(.health, std.meta.activeTag(route.find("/healthz").?));
    try std.testing.expectEqual(.me, std.meta.activeTag(route.find("/api/users/me").?));
    try std.testing.expectEqual(12, route.find("/api/posts/12").?.post);
    try std.testing.expectEqual(std.math.maxInt(i64), route.find("/api/files/9223372036854775807").?.file);
    for ([_][]const u8{
        "/",            "/api",                           "/healthz/", "//healthz",        "/HEALTHZ",      "/%68ealthz", "/api/users/", "/api/users/1/", "/api/users/01", "/api/users/Me",
        "/api/posts/0", "/api/posts/9223372036854775808", "/api/auth", "/api/posts/1;x=1", "/api/posts/me",
    }) |path| try std.testing.expectEqual(null, route.find(path));
}

test "methods are case-sensitive" {
    try std.testing.expectEqual(route.Method.read, route.Method.of("HEAD"));
    for ([_][]const u8{ "get", "PATCH", "OPTIONS", "X" }) |method| try std.testing.expectEqual(route.Method.other, route.Method.of(method));
}

test "rules of fields" {
    for ([_][]const u8{ "a@b", "!#$%&'*+/=?^_`{|}~.\"<>\\@x", "x" ** 252 ++ "@y" }) |email| try std.testing.expectEqual(null, fields.email(email));
    for ([_][]const u8{ "", "a@", "@b", "ab@", "abc", "a@b@c", "a b@c", "\u{e9}@x", "a\x00b@c", "\x7fa@b", "x" ** 253 ++ "@y" }) |email| {
        try std.testing.expect(fields.email(email) != null);
    }
    try std.testing.expectEqual(null, fields.password("\u{e9}" ** 4));
    try std.testing.expectEqualStrings("must not contain U+0000", fields.password("\x00").?);
    try std.testing.expectEqualStrings("must be 8 to 72 bytes", fields.password("\u{e9}" ** 37).?);
    try std.testing.expectEqual(null, fields.title("\u{1F600}" ** 200));
    try std.testing.expectEqualStrings("must be 1 to 200 characters", fields.title("\u{1F600}" ** 201).?);
    try std.testing.expectEqualStrings("must be 1 to 20000 characters", fields.body("").?);
    try std.testing.expectEqual(null, fields.body(" "));
}

test "queries of lists" {
    for ([_]struct { []const u8, u8, ?i64 }{
        .{ "", 20, null },
        .{ "limit=1&before=50&x=1", 1, 50 },
        .{ "&&limit=100&&", 100, null },
        .{ "LIMIT=0&l%69mit=0&=5&%zz=%", 20, null },
    }) |case| {
        var errors: page_query.Errors = .{};
        const page = page_query.parse(case[0], &errors);
        try std.testing.expectEqual(0, errors.len);
        try std.testing.expectEqual(case[1], page.limit);
        try std.testing.expectEqual(case[2], page.before);
    }
    const limit, const before, const once = .{ "must be an integer from 1 to 100", "must be an id", "must be given only once" };
    for ([_]struct { []const u8, []const [2][]const u8 }{
        .{ "limit=0", &.{.{ "limit", limit }} },
        .{ "limit=101", &.{.{ "limit", limit }} },
        .{ "limit=05", &.{.{ "limit", limit }} },
        .{ "before&limit=", &.{ .{ "limit", limit }, .{ "before", before } } },
        .{ "limit=0&limit=5", &.{.{ "limit", once }} },
        .{ "before=5&x=1&before=5&limit=0", &.{ .{ "limit", limit }, .{ "before", once } } },
    }) |case| {
        var errors: page_query.Errors = .{};
        _ = page_query.parse(case[0], &errors);
        try std.testing.expectEqual(case[1].len, errors.len);
        for (case[1], errors.constSlice()) |expected, seen| {
            try std.testing.expectEqualStrings(expected[0], seen.field);
            try std.testing.expectEqualStrings(expected[1], seen.message);
        }
    }
}

test "If-None-Match" {
    const tag = "\"5-1\"";
    const cases = [_]struct { []const u8, bool }{
        .{ "If-None-Match: \"5-1\"\r\n", true },
        .{ "if-none-match: W/\"5-1\"\r\n", true },
        .{ "If-None-Match: *\r\n", true },
        .{ "If-None-Match: \"a,b\",\tW/\"5-1\" ,\"y\"\r\n", true },
        .{ "If-None-Match: \"x\"\r\nIf-None-Match: \"5-1\"\r\n", true },
        .{ "", false },
        .{ "If-None-Match:\r\n", false },
        .{ "If-None-Match: \"5-2\"\r\n", false },
        .{ "If-None-Match: 5-1\r\n", false },
        .{ "If-None-Match: w/\"5-1\"\r\n", false },
        .{ "If-None-Match: W/ \"5-1\"\r\n", false },
        .{ "If-None-Match: \"5-1\"\"5-1\"\r\n", false },
        .{ "If-None-Match: *, \"x\"\r\n", false },
        .{ "If-None-Match: *\r\nIf-None-Match: \"x\"\r\n", false },
    };
    for (cases) |case| {
        var buffer: [256]u8 = undefined;
        const head = try head_module.parse(try std.fmt.bufPrint(&buffer, "GET / HTTP/1.1\r\nHost: x\r\n{s}\r\n", .{case[0]}));
        try std.testing.expectEqual(case[1], entity_tag.matches(&head, tag));
    }
}

test "what Redis has is a post, or a miss" {
    const entry = post_cache.Entry.parse("\"5-1\"\n{\"id\":5}\n").?;
    try std.testing.expectEqualStrings("\"5-1\"", entry.etag);
    try std.testing.expectEqualStrings("{\"id\":5}\n", entry.body);
    for ([_][]const u8{ "", "no newline", "\"5\r\n{}", "x" ** 200 ++ "\n{}" }) |value| try std.testing.expectEqual(null, post_cache.Entry.parse(value));
}

test "problems are written as the contract has them" {
    try std.testing.expectEqualStrings(
        "{\"type\":\"about:blank\",\"title\":\"Content Too Large\",\"status\":413,\"detail\":\"The request body must be at most 65536 bytes.\"}",
        problem.large_json.body,
    );
    try std.testing.expectEqualStrings("WWW-Authenticate: Bearer\r\n", problem.bad_login.fields);
}
