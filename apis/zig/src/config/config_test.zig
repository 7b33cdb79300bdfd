const std = @import("std");
const config_module = @import("config.zig");
const url = @import("url.zig");

const right = [_][2][]const u8{
    .{ "DATABASE_URL", "postgres://user:p%40ss@127.0.0.1:5433/data?sslmode=disable" },
    .{ "REDIS_URL", "redis://:secret@localhost/3" },
    .{ "JWT_SECRET", "0123456789abcdef0123456789abcdef" },
    .{ "UPLOAD_DIR", "." },
};

/// What the process's environment is to the tests.
var variables: std.StringHashMapUnmanaged([]const u8) = .empty;

fn lookup(name: []const u8) ?[]const u8 {
    return variables.get(name);
}

fn set(arena: std.mem.Allocator, changes: []const [2][]const u8) !void {
    variables = .empty;
    for (right) |pair| try variables.put(arena, pair[0], pair[1]);
    for (changes) |pair| try variables.put(arena, pair[0], pair[1]);
}

test "a right environment, with defaults" {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    try set(arena.allocator(), &.{.{ "HOST", "" }});
    var reader: config_module.Reader = .{ .lookup = lookup, .allocator = arena.allocator() };
    const config = try reader.readAll();
    try std.testing.expectEqualStrings("p@ss", config.database.password);
    try std.testing.expectEqual(5433, config.database.port);
    try std.testing.expectEqualStrings("data", config.database.database);
    try std.testing.expectEqualStrings("secret", config.redis.password);
    try std.testing.expectEqual(6379, config.redis.port);
    try std.testing.expectEqual(3, config.redis.number);
    try std.testing.expectEqual(8080, config.address.getPort());
    try std.testing.expectEqual(32, config.pool_size);
    try std.testing.expectEqual(.info, config.log_level);
}

test "everything that is wrong is told, in the contract's order" {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    try set(arena.allocator(), &.{
        .{ "DATABASE_URL", "mysql://x" }, .{ "REDIS_URL", "" },      .{ "JWT_SECRET", "short" },
        .{ "HOST", "example.test" },      .{ "PORT", "65536" },      .{ "UPLOAD_DIR", "/nowhere/at/all" },
        .{ "DB_POOL_SIZE", "01" },        .{ "LOG_LEVEL", "debug" },
    });
    var reader: config_module.Reader = .{ .lookup = lookup, .allocator = arena.allocator() };
    try std.testing.expectError(error.Invalid, reader.readAll());
    var text: std.ArrayListUnmanaged(u8) = .empty;
    for (reader.problems.items) |problem| {
        try text.writer(arena.allocator()).print("{s}: {s}\n", .{ problem.name, problem.message });
    }
    try std.testing.expectEqualStrings(
        \\DATABASE_URL: must be a postgres:// URL with user, host and database
        \\REDIS_URL: is required
        \\JWT_SECRET: must be at least 32 bytes
        \\HOST: must be an IP address
        \\PORT: must be an integer from 1 to 65535
        \\UPLOAD_DIR: must be a directory that can be written to
        \\DB_POOL_SIZE: must be an integer from 1 to 1000
        \\LOG_LEVEL: must be error, warn or info
        \\
    , text.items);
}

test "hosts are addresses" {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    for ([_][]const u8{ "localhost", "127.0.0.1:80", "256.0.0.1", "1.2.3", "01.2.3.4", "[::1]", "::1%", "::1:", ":::", "1:2", "12345::" }) |value| {
        try set(arena.allocator(), &.{.{ "HOST", value }});
        var reader: config_module.Reader = .{ .lookup = lookup, .allocator = arena.allocator() };
        try std.testing.expectError(error.Invalid, reader.readAll());
    }
    for ([_][]const u8{ "0.0.0.0", "::", "::1", "2001:db8::", "::ffff:127.0.0.1" }) |value| {
        try set(arena.allocator(), &.{.{ "HOST", value }});
        var reader: config_module.Reader = .{ .lookup = lookup, .allocator = arena.allocator() };
        _ = try reader.readAll();
    }
}

test "integers are taken in one form" {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    for ([_][]const u8{ "0", "-1", "+1", " 1", "1001", "99999", "1e2", "x" }) |value| {
        try set(arena.allocator(), &.{.{ "DB_POOL_SIZE", value }});
        var reader: config_module.Reader = .{ .lookup = lookup, .allocator = arena.allocator() };
        try std.testing.expectError(error.Invalid, reader.readAll());
    }
    for ([_]struct { []const u8, u16 }{ .{ "1", 1 }, .{ "1000", 1000 } }) |pair| {
        try set(arena.allocator(), &.{.{ "DB_POOL_SIZE", pair[0] }});
        var reader: config_module.Reader = .{ .lookup = lookup, .allocator = arena.allocator() };
        try std.testing.expectEqual(pair[1], (try reader.readAll()).pool_size);
    }
}

test "URLs of databases" {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    const parsed = try url.parseDatabase("postgresql://us%3aer@[::1]/d", arena.allocator());
    try std.testing.expectEqualStrings("us:er", parsed.user);
    try std.testing.expectEqualStrings("", parsed.password);
    try std.testing.expectEqualStrings("::1", parsed.host);
    try std.testing.expectEqual(5432, parsed.port);
    for ([_][]const u8{
        "",                        "postgres://",               "postgres://user@/data",    "postgres://host/data",         "postgres://user@host",
        "postgres://user@host/",   "postgres://user@host:0/d",  "postgres://user@host:x/d", "postgres://user@host:99999/d", "postgres://us%zz@host/d",
        "postgres://us%0@host/d",  "postgres://us%00er@host/d", "postgres://user@[::1/d",   "postgres://user@[x]/d",        "postgres://user@host/d?sslmode=require",
        "postgres://user@ho st/d", "http://user@host/d",        "postgres://:pass@host/d",
    }) |text| try std.testing.expectError(error.Invalid, url.parseDatabase(text, arena.allocator()));
}

test "URLs of Redis" {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    const bare = try url.parseRedis("redis://host", arena.allocator());
    try std.testing.expectEqual(6379, bare.port);
    try std.testing.expectEqual(0, bare.number);
    const full = try url.parseRedis("redis://us:p%20w@127.0.0.1:6380/15", arena.allocator());
    try std.testing.expectEqualStrings("us", full.user);
    try std.testing.expectEqualStrings("p w", full.password);
    try std.testing.expectEqual(6380, full.port);
    try std.testing.expectEqual(15, full.number);
    for ([_][]const u8{ "redis://", "rediss://host", "redis:///0", "redis://host/x", "redis://host/-1", "redis://host:0", "redis://host?x=1" }) |text| {
        try std.testing.expectError(error.Invalid, url.parseRedis(text, arena.allocator()));
    }
}
