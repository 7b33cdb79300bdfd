//! Changes of posts, with a PostgreSQL and a Redis that say what a test wants.

const std = @import("std");
const ApiServer = @import("../testing/api_server.zig").ApiServer;
const protocol = @import("../postgres/connection_test.zig");

const deleted = "1\x00\x00\x00\x04" ++ "2\x00\x00\x00\x04" ++ "C\x00\x00\x00\x0dDELETE 1\x00" ++ "Z\x00\x00\x00\x05I";

test "what may have changed is removed from Redis, in a second attempt if the first fails" {
    for ([_]struct { []const u8, []const []const u8, u16 }{
        .{ deleted, &.{":1\r\n"}, 204 },
        .{ deleted, &.{ "", ":1\r\n" }, 204 },
        .{ deleted, &.{ "", "" }, 204 },
        .{ "", &.{ "", ":0\r\n" }, 503 }, // PostgreSQL's answer is lost
    }) |case| {
        var server: ApiServer = undefined;
        try server.init();
        defer server.deinit();
        const postgres = try server.postgres.serveOnce(&.{ protocol.greeting, case[0] }, 10_000);
        const redis = try server.redis.serveEach(case[1]);
        try std.testing.expectEqual(case[2], try server.ask("DELETE /api/posts/12", "", ""));
        server.redis_client.deinit();
        server.redis.stop();
        redis.join();
        protocol.endIdle(&server.pool);
        postgres.join();
        try std.testing.expectEqual(case[1].len, server.redis.taken);
        try std.testing.expectEqualStrings("*2\r\n$3\r\nDEL\r\n$7\r\npost:12\r\n", server.redis.heard.constSlice());
    }
}
