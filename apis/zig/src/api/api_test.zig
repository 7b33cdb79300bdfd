const std = @import("std");
const api = @import("api.zig");
const Statement = @import("../postgres/query.zig").Statement;
const statements = @import("statements.zig");

test "paths have ids from 1 to 2^63-1" {
    const route = "/api/posts/{id}";
    try std.testing.expectEqual(12, api.match(route, "/api/posts/12"));
    try std.testing.expectEqual(std.math.maxInt(i64), api.match(route, "/api/posts/9223372036854775807"));
    try std.testing.expectEqual(0, api.match("/healthz", "/healthz"));
    for ([_][]const u8{ "/api/posts/", "/api/posts/0", "/api/posts/-1", "/api/posts/1_0", "/api/posts/1/", "/api/posts/9223372036854775808", "/api/users/1" }) |path| {
        try std.testing.expectEqual(null, api.match(route, path));
    }
}

test "a path with another method shows the methods that it takes" {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    for ([_][2][]const u8{
        .{ "/api/posts/1", "Allow: GET, HEAD, PUT, DELETE\r\n" },
        .{ "/api/auth/login", "Allow: POST\r\n" },
    }) |case| try std.testing.expectEqualStrings(case[1], try api.allowed(arena.allocator(), case[0]));
}

test "each statement has an index of its own" {
    var seen: u32 = 0;
    inline for (@typeInfo(statements).@"struct".decls) |declaration| {
        const value = @field(statements, declaration.name);
        if (@TypeOf(value) != Statement) continue;
        const bit = @as(u32, 1) << value.index;
        try std.testing.expectEqual(0, seen & bit);
        seen |= bit;
    }
    try std.testing.expect(seen != 0);
}
