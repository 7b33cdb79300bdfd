const std = @import("std");
const connection_module = @import("connection.zig");
const FakeServer = @import("../fake_server.zig").FakeServer;
const fuzz_module = @import("../fuzz.zig");
const loop_module = @import("../event/loop.zig");
const message = @import("message.zig");
const pool_module = @import("pool.zig");
const query_module = @import("query.zig");

const greeting = "R\x00\x00\x00\x08\x00\x00\x00\x00" ++ "S\x00\x00\x00\x0aa\x00bcd\x00" ++
    "K\x00\x00\x00\x0c\x00\x00\x00\x01\x00\x00\x00\x02" ++ "Z\x00\x00\x00\x05I";
const result = "1\x00\x00\x00\x04" ++ "2\x00\x00\x00\x04" ++
    "D\x00\x00\x00\x12\x00\x01\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00\x2a" ++
    "C\x00\x00\x00\x0dSELECT 1\x00" ++ "Z\x00\x00\x00\x05I";
const refusal = "E\x00\x00\x00\x19SERROR\x00C23505\x00nname\x00\x00" ++ "Z\x00\x00\x00\x05I";

const statement: query_module.Statement = .{ .index = 0, .columns = 1, .sql = "SELECT 42" };

const Asking = struct {
    query: query_module.Query,
    value: i64 = 0,
    times: usize = 0,
    outcome: ?query_module.Outcome = null,
    /// Whether the connection was kept.
    kept: bool = false,

    fn onRow(query: *query_module.Query, row: *message.Row) message.Error!void {
        const asking: *Asking = @fieldParentPtr("query", query);
        asking.value = try row.integer();
    }

    fn onDone(query: *query_module.Query, outcome: query_module.Outcome) void {
        const asking: *Asking = @fieldParentPtr("query", query);
        asking.times += 1;
        asking.outcome = outcome;
    }
};

const Fixture = struct {
    server: FakeServer,
    loops: []loop_module.Loop,
    connections: [1]connection_module.Connection = undefined,
    clients: [1]pool_module.Client = undefined,
    pool: pool_module.Pool = undefined,

    fn init(fixture: *Fixture) !void {
        fixture.* = .{ .server = try .init(), .loops = try std.testing.allocator.alloc(loop_module.Loop, 1) };
        try fixture.loops[0].init(0);
        fixture.pool.init(.{
            .host = .{ .literal = fixture.server.address() },
            .user = "user",
            .password = "password",
            .database = "database",
        }, &fixture.connections, &fixture.clients, fixture.loops, std.testing.allocator);
    }

    fn deinit(fixture: *Fixture) void {
        fixture.clients[0].closeIdle();
        fixture.connections[0].close();
        fixture.loops[0].deinit();
        std.testing.allocator.free(fixture.loops);
        fixture.server.deinit();
    }

    /// Asks a server that says the one thing when it is greeted, the other when
    /// it is asked.
    fn ask(fixture: *Fixture, greeted: []const u8, asked: []const u8) !Asking {
        const thread = try fixture.server.serveOnce(greeted, asked);
        var asking: Asking = .{ .query = .init(&statement, &.{.{ .text = "x" }}, Asking.onRow, Asking.onDone) };
        fixture.clients[0].execute(&asking.query);
        while (asking.outcome == null) fixture.loops[0].turn();
        asking.kept = fixture.pool.alive != 0;
        fixture.clients[0].closeIdle();
        thread.join();
        try std.testing.expectEqual(1, asking.times);
        try std.testing.expectEqual(0, fixture.pool.alive);
        try std.testing.expectEqual(0, fixture.pool.opening);
        return asking;
    }
};

test "a statement has its outcome" {
    var fixture: Fixture = undefined;
    try fixture.init();
    defer fixture.deinit();
    const done = try fixture.ask(greeting, result);
    try std.testing.expectEqual(42, done.value);
    try std.testing.expectEqual(1, done.outcome.?.done);
    const refused = try fixture.ask(greeting, refusal);
    try std.testing.expectEqualStrings("23505", &refused.outcome.?.failed.code);
    try std.testing.expectEqualStrings("name", refused.outcome.?.failed.constraint.slice());
}

test "a server that ends, or can't be spoken with, is unavailable" {
    var fixture: Fixture = undefined;
    try fixture.init();
    defer fixture.deinit();
    for ([_][]const u8{
        "",
        greeting,
        greeting ++ result, // nobody has asked yet
        greeting ++ "Z\x00\x00\x00\x05I",
        "Z\x00\x00\x00\x05I",
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "R\x00\x00\x00\x08\x00\x00\x00\x03", // asks for the password in plain text
        "R\x00\x00\x00\x08\x00\x00\x00\x0b", // the second step of SCRAM without a first
        "R\x00\x00\x00\x0c\x00\x00\x00\x0av=x\x00",
    }) |octets| {
        const asking = try fixture.ask(octets, "");
        try std.testing.expect(asking.outcome.? == .unavailable);
    }
    const asking = try fixture.ask(greeting, "1\x00\x00\x00\x04");
    try std.testing.expect(asking.outcome.? == .unavailable);
}

test "what is no answer to a statement is malformed" {
    var fixture: Fixture = undefined;
    try fixture.init();
    defer fixture.deinit();
    for ([_][]const u8{
        "D\x00\x00\x00\x06\x00\x02",
        "D\x00\x00\x00\x0b\x00\x01\x00\x00\x00\x01x",
        "?\x00\x00\x00\x04",
        "D\x7f\xff\xff\xff",
    }) |octets| {
        const asking = try fixture.ask(greeting, octets);
        try std.testing.expect(asking.outcome.? == .malformed);
        try std.testing.expect(!asking.kept);
    }
}

test "a result holds, whatever the server says behind it; such a connection isn't used again" {
    var fixture: Fixture = undefined;
    try fixture.init();
    defer fixture.deinit();
    const farewell = "E\x00\x00\x00\x13SFATAL\x00C57P01\x00\x00";
    for ([_][]const u8{ farewell, result, "?\x00\x00\x00\x04" }) |behind| {
        var octets: [256]u8 = undefined;
        const asking = try fixture.ask(greeting, try std.fmt.bufPrint(&octets, "{s}{s}", .{ result, behind }));
        try std.testing.expectEqual(1, asking.outcome.?.done);
        try std.testing.expectEqual(42, asking.value);
        try std.testing.expect(!asking.kept);
    }
}

test "who has no connection is told why none could be made" {
    var fixture: Fixture = undefined;
    try fixture.init();
    defer fixture.deinit();
    for ([_][2][]const u8{
        .{ "E\x00\x00\x00\x22SFATAL\x00C28P01\x00Mnot this user\x00\x00", "not this user" },
        .{ "E\x00\x00\x00\x13SFATAL\x00C28P01\x00\x00", "PostgreSQL asks for another way to authenticate" },
        .{ "R\x00\x00\x00\x08\x00\x00\x00\x03", "PostgreSQL asks for another way to authenticate" },
        .{ "HTTP/1.1 400 Bad Request\r\n\r\n", "PostgreSQL has sent what is not of its protocol" },
        .{ "", "PostgreSQL has ended the connection" },
    }) |case| {
        const asking = try fixture.ask(case[0], "");
        try std.testing.expectEqualStrings(case[1], asking.outcome.?.unavailable.slice());
    }
}

test "nobody listens" {
    var fixture: Fixture = undefined;
    try fixture.init();
    defer fixture.deinit();
    fixture.server.listener.stream.close();
    var asking: Asking = .{ .query = .init(&statement, &.{}, Asking.onRow, Asking.onDone) };
    fixture.clients[0].execute(&asking.query);
    while (asking.outcome == null) fixture.loops[0].turn();
    try std.testing.expectEqualStrings("PostgreSQL can't be reached", asking.outcome.?.unavailable.slice());
    fixture.server = try .init();
}

test "fuzz: whatever a server sends, a statement has one outcome" {
    var fixture: Fixture = undefined;
    try fixture.init();
    defer fixture.deinit();
    var fuzz: fuzz_module.Fuzz = .init(9);
    var buffer: [512]u8 = undefined;
    for (0..@max(1, fuzz_module.rounds / 10)) |_| {
        const right = if (fuzz.random().boolean()) result else refusal;
        // A greeting that is broken, too, would leave few results to be read.
        const is_greeting = fuzz.below(4) == 0;
        const broken = fuzz.mutate(if (is_greeting) greeting else right, &buffer);
        _ = if (is_greeting) try fixture.ask(broken, right) else try fixture.ask(greeting, broken);
    }
}
