const std = @import("std");
const FakeServer = @import("../testing/fake_server.zig").FakeServer;
const fuzz_module = @import("../testing/fuzz.zig");
const Host = @import("../event/dialer.zig").Host;
const loop_module = @import("../event/loop.zig");
const pool_module = @import("pool.zig");
const query_module = @import("query.zig");

pub const greeting = "R\x00\x00\x00\x08\x00\x00\x00\x00" ++ "S\x00\x00\x00\x0aa\x00bcd\x00" ++
    "K\x00\x00\x00\x0c\x00\x00\x00\x01\x00\x00\x00\x02" ++ ready;
const ready = "Z\x00\x00\x00\x05I";
const row = "D\x00\x00\x00\x12\x00\x01\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00\x2a";
const executed = "2\x00\x00\x00\x04" ++ row ++ "C\x00\x00\x00\x0dSELECT 1\x00" ++ ready;
pub const result = "1\x00\x00\x00\x04" ++ executed;
pub const refusal = "E\x00\x00\x00\x19SERROR\x00C23505\x00nname\x00\x00" ++ ready;
const stale_plan = "E\x00\x00\x00\x13SERROR\x00C0A000\x00\x00" ++ ready;

const statement: query_module.Statement = .{ .index = 0, .sql = "SELECT 42" };

/// A busy machine may take long to run both sides.
pub const patient: pool_module.Limits = .{ .wait = .s_60, .statement = .s_60, .late_statement = .s_60, .retry_pause = 60_000 };

const Asking = struct {
    query: query_module.Query,
    outcome: ?query_module.Outcome = null,
    times: usize = 0,
    value: ?i64 = null,
    /// Whether the connection was kept.
    kept: bool = false,

    fn onDone(query: *query_module.Query, outcome: query_module.Outcome) void {
        const asking: *Asking = @fieldParentPtr("query", query);
        asking.times += 1;
        asking.outcome = outcome;
        if (outcome != .done) return;
        var rows = outcome.done.rows;
        const found = rows.next(struct { value: i64 }) catch return;
        if (found) |first| asking.value = first.value;
    }
};

const Fixture = struct {
    server: FakeServer,
    loops: []loop_module.Loop,
    host: Host = undefined,
    pool: pool_module.Pool = undefined,

    fn init(fixture: *Fixture) !void {
        std.testing.log_level = .err;
        fixture.* = .{
            .server = try .init(),
            .loops = try std.testing.allocator.alloc(loop_module.Loop, 1),
        };
        try fixture.loops[0].init(0);
        try fixture.host.init("127.0.0.1", fixture.server.address().getPort());
        const settings: pool_module.Settings = .{ .host = &fixture.host, .user = "user", .password = "password", .database = "database", .limits = patient };
        try fixture.pool.init(std.testing.allocator, settings, 1, fixture.loops);
    }

    fn deinit(fixture: *Fixture) void {
        fixture.pool.deinit();
        fixture.loops[0].deinit();
        std.testing.allocator.free(fixture.loops);
        fixture.server.deinit();
    }

    fn asking(_: *Fixture) Asking {
        return .{ .query = .init(&statement, &.{.{ .text = "x" }}, Asking.onDone) };
    }

    fn execute(fixture: *Fixture, one: *Asking) void {
        fixture.pool.retry_at = 0;
        fixture.pool.clients[0].execute(&one.query);
        while (one.outcome == null) fixture.loops[0].turn();
    }

    /// Asks a server that sends the one thing when it is greeted, the other when
    /// it is asked.
    fn ask(fixture: *Fixture, greeted: []const u8, asked: []const u8) !Asking {
        const thread = try fixture.server.serveOnce(&.{ greeted, asked }, if (std.mem.eql(u8, greeted, greeting)) 10_000 else 20);
        var one = fixture.asking();
        fixture.execute(&one);
        one.kept = fixture.pool.alive != 0;
        fixture.closeIdle();
        thread.join();
        try std.testing.expectEqual(1, one.times);
        try std.testing.expectEqual(0, fixture.pool.alive);
        try std.testing.expectEqual(0, fixture.pool.opening);
        return one;
    }

    fn closeIdle(fixture: *Fixture) void {
        endIdle(&fixture.pool);
    }
};

/// Ends the first connection of a pool if it is idle, as if PostgreSQL had.
pub fn endIdle(pool: *pool_module.Pool) void {
    if (pool.clients[0].claim(&pool.connections[0]).?) pool.connections[0].end("");
}

test "a statement has its outcome" {
    var fixture: Fixture = undefined;
    try fixture.init();
    defer fixture.deinit();
    const done = try fixture.ask(greeting, result);
    try std.testing.expectEqual(42, done.value.?);
    try std.testing.expectEqual(1, done.outcome.?.done.count);
    const refused = try fixture.ask(greeting, refusal);
    try std.testing.expectEqualStrings("23505", &refused.outcome.?.refused.code);
    try std.testing.expectEqualStrings("name", refused.outcome.?.refused.constraint.constSlice());
}

test "a plan that a migration has made stale is prepared again, and the statement executed" {
    var fixture: Fixture = undefined;
    try fixture.init();
    defer fixture.deinit();
    const thread = try fixture.server.serveOnce(&.{ greeting, result, stale_plan, "3\x00\x00\x00\x04" ++ result, executed }, 10_000);
    for (0..3) |_| {
        var one = fixture.asking();
        fixture.execute(&one);
        try std.testing.expectEqual(42, one.value.?);
        try std.testing.expectEqual(1, one.times);
    }
    fixture.closeIdle();
    thread.join();
    // Of a statement that was prepared just now it says something else.
    const refused = try fixture.ask(greeting, stale_plan);
    try std.testing.expectEqualStrings("0A000", &refused.outcome.?.refused.code);
}

test "a statement that couldn't be prepared again is prepared by the next who executes it" {
    var fixture: Fixture = undefined;
    try fixture.init();
    defer fixture.deinit();
    const thread = try fixture.server.serveOnce(&.{ greeting, result, stale_plan, "3\x00\x00\x00\x04" ++ refusal, result }, 10_000);
    for ([_]?i64{ 42, null, 42 }) |value| {
        var one = fixture.asking();
        fixture.execute(&one);
        try std.testing.expectEqual(value, one.value);
    }
    fixture.closeIdle();
    thread.join();
    try std.testing.expectEqual('P', fixture.server.heard.get(0)); // Parse
}

test "a server that ends, or can't be spoken with, is unavailable" {
    var fixture: Fixture = undefined;
    try fixture.init();
    defer fixture.deinit();
    for ([_][]const u8{
        "",
        greeting ++ result, // nobody has asked yet
        greeting ++ ready,
        ready,
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "R\x00\x00\x00\x08\x00\x00\x00\x03", // asks for the password in plain text
        "R\x00\x00\x00\x08\x00\x00\x00\x0b", // the second step of SCRAM without a first
        "R\x00\x00\x00\x0c\x00\x00\x00\x0av=x\x00",
    }) |bytes| {
        const one = try fixture.ask(bytes, "");
        try std.testing.expect(one.outcome.? == .unavailable);
    }
}

test "a statement that was sent and has no answer may have been executed" {
    var fixture: Fixture = undefined;
    try fixture.init();
    defer fixture.deinit();
    for ([_][]const u8{
        "",
        "1\x00\x00\x00\x04",
        "?\x00\x00\x00\x04",
        "D\x7f\xff\xff\xff",
        "E\x00\x00\x00\x13SFATAL\x00C57P01\x00\x00",
    }) |bytes| {
        const one = try fixture.ask(greeting, bytes);
        try std.testing.expect(one.outcome.? == .lost);
        try std.testing.expect(!one.kept);
    }
}

test "a result holds, whatever the server says behind it; such a connection isn't used again" {
    var fixture: Fixture = undefined;
    try fixture.init();
    defer fixture.deinit();
    const farewell = "E\x00\x00\x00\x13SFATAL\x00C57P01\x00\x00";
    for ([_][]const u8{ farewell, result, "?\x00\x00\x00\x04" }) |behind| {
        var bytes: [256]u8 = undefined;
        const one = try fixture.ask(greeting, try std.fmt.bufPrint(&bytes, "{s}{s}", .{ result, behind }));
        try std.testing.expectEqual(1, one.outcome.?.done.count);
        try std.testing.expectEqual(42, one.value.?);
        try std.testing.expect(!one.kept);
    }
}

test "whoever has no connection learns why none could be made" {
    var fixture: Fixture = undefined;
    try fixture.init();
    defer fixture.deinit();
    const unsupported = "it asks for a way to authenticate that isn't supported";
    for ([_][2][]const u8{
        .{ "E\x00\x00\x00\x22SFATAL\x00C28P01\x00Mnot this user\x00\x00", "28P01: not this user" },
        .{ "R\x00\x00\x00\x08\x00\x00\x00\x03", unsupported },
        .{ "HTTP/1.1 400 Bad Request\r\n\r\n", "it has sent what isn't of its protocol" },
        .{ "", "it has ended the connection" },
    }) |case| {
        const one = try fixture.ask(case[0], "");
        try std.testing.expectEqualStrings(case[1], one.outcome.?.unavailable.constSlice());
    }
    fixture.server.deinit();
    var one = fixture.asking();
    fixture.execute(&one);
    try std.testing.expectEqualStrings("connection refused", one.outcome.?.unavailable.constSlice());
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
