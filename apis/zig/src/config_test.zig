const std = @import("std");
const config = @import("config.zig");

/// The process's environment, for the tests.
var variables: []const [2][]const u8 = &.{};

fn lookup(name: []const u8) ?[]const u8 {
    for (variables) |variable| {
        if (std.mem.eql(u8, variable[0], name)) return variable[1];
    }
    return null;
}

test "a right environment, with defaults" {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    variables = &.{
        .{ "DATABASE_URL", "postgres://us%3aer:p%40ss@127.0.0.1:5433/data" },
        .{ "REDIS_URL", "redis://:s%2Fcret@[::1]/3" },
        .{ "JWT_SECRET", "0123456789abcdef0123456789abcdef" },
        .{ "UPLOAD_DIR", "." },
        .{ "HOST", "" },
    };
    var reader: config.Reader = .{ .lookup = lookup, .allocator = arena.allocator() };
    const database = try reader.database();
    try std.testing.expectEqualStrings("us:er", database.user);
    try std.testing.expectEqualStrings("p@ss", database.password);
    try std.testing.expectEqualStrings("127.0.0.1", database.host);
    try std.testing.expectEqual(5433, database.port);
    try std.testing.expectEqualStrings("data", database.name);
    const redis = try reader.redis();
    try std.testing.expectEqualStrings("", redis.user);
    try std.testing.expectEqualStrings("s/cret", redis.password);
    try std.testing.expectEqualStrings("::1", redis.host);
    try std.testing.expectEqual(6379, redis.port);
    try std.testing.expectEqual(3, redis.database);
    _ = try reader.secret();
    _ = try reader.uploads();
    try std.testing.expectEqual(8080, (try reader.address()).getPort());
    try std.testing.expectEqual(32, try reader.poolSize());
    try std.testing.expectEqual(.info, try reader.logLevel());
}

fn expectInvalid(comptime name: []const u8, comptime method: []const u8, values: []const []const u8) !void {
    for (values) |value| {
        var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
        defer arena.deinit();
        variables = &.{.{ name, value }};
        var reader: config.Reader = .{ .lookup = lookup, .allocator = arena.allocator() };
        if (@field(config.Reader, method)(&reader)) |_| {
            std.debug.print("taken: {s}\n", .{value});
            return error.TestUnexpectedResult;
        } else |failure| try std.testing.expectEqual(error.Invalid, failure);
        try std.testing.expectEqualStrings(name, reader.name);
        try std.testing.expect(std.mem.indexOf(u8, reader.problem, "hunter2") == null);
    }
}

test "what is wrong is named, without its value" {
    try expectInvalid("DATABASE_URL", "database", &.{
        "",                         "postgres://",              "postgres://user@/data",     "postgres://host/data",        "postgres://user@host",
        "postgres://user@host:0/d", "postgres://user@host:x/d", "postgres://us%00er@host/d", "mysql://user:hunter2@host/d", "user@host",
        "postgres://user@",
    });
    try expectInvalid("REDIS_URL", "redis", &.{ "", "redis://", "rediss://host", "redis://host/x", "redis://host/1_0", "redis://host:0" });
    try expectInvalid("JWT_SECRET", "secret", &.{ "", "hunter2" });
    try expectInvalid("HOST", "address", &.{ "localhost", "127.0.0.1:80" });
    try expectInvalid("PORT", "address", &.{ "0", "65536", "http", "8_080", "+8080" });
    try expectInvalid("UPLOAD_DIR", "uploads", &.{ "", "/nowhere/at/all" });
    try expectInvalid("DB_POOL_SIZE", "poolSize", &.{ "0", "1001", "many", "1_0" });
    try expectInvalid("LOG_LEVEL", "logLevel", &.{ "debug", "err", "INFO" });
}
