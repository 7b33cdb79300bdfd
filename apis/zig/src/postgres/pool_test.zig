const std = @import("std");
const protocol = @import("connection_test.zig");
const Connection = @import("connection.zig").Connection;
const Host = @import("../event/dialer.zig").Host;
const loop_module = @import("../event/loop.zig");
const pool_module = @import("pool.zig");
const query_module = @import("query.zig");

const statement: query_module.Statement = .{ .index = 0, .sql = "SELECT 42" };

const patient = protocol.patient;

const Asking = struct {
    query: query_module.Query,
    outcome: ?query_module.Outcome = null,

    fn init() Asking {
        return .{ .query = .init(&statement, &.{}, onDone) };
    }

    fn onDone(query: *query_module.Query, outcome: query_module.Outcome) void {
        const asking: *Asking = @fieldParentPtr("query", query);
        std.debug.assert(asking.outcome == null);
        asking.outcome = outcome;
    }
};

/// Takes as many connections as are made, and answers each statement, but for
/// those that are more than it admits.
const Server = struct {
    listener: std.net.Server,
    admitted: usize,
    connections: std.atomic.Value(usize) = .init(0),
    thread: std.Thread = undefined,

    fn init(server: *Server, admitted: usize) !void {
        const any_port = std.net.Address.initIp4(.{ 127, 0, 0, 1 }, 0);
        server.* = .{ .listener = try any_port.listen(.{}), .admitted = admitted };
        server.thread = try std.Thread.spawn(.{}, accept, .{server});
    }

    fn deinit(server: *Server) void {
        std.posix.shutdown(server.listener.stream.handle, .both) catch {};
        server.thread.join();
        server.listener.deinit();
    }

    fn port(server: *const Server) u16 {
        return server.listener.listen_address.getPort();
    }

    fn accept(server: *Server) void {
        while (true) {
            const connection = server.listener.accept() catch return;
            const is_admitted = server.connections.fetchAdd(1, .monotonic) < server.admitted;
            const thread = std.Thread.spawn(.{}, talk, .{ connection.stream, is_admitted }) catch return;
            thread.detach();
        }
    }

    fn talk(stream: std.net.Stream, is_admitted: bool) void {
        defer stream.close();
        var buffer: [4096]u8 = undefined;
        _ = stream.read(&buffer) catch return;
        const too_many = "E\x00\x00\x00\x1bSFATAL\x00C53300\x00Mtoo many\x00\x00";
        stream.writeAll(if (is_admitted) protocol.greeting else too_many) catch return;
        if (!is_admitted) return;
        while (stream.read(&buffer) catch return != 0) stream.writeAll(protocol.result) catch return;
    }
};

const Fixture = struct {
    loops: []loop_module.Loop,
    host: Host = undefined,
    pool: pool_module.Pool = undefined,

    fn init(fixture: *Fixture, port: u16, size: usize) !void {
        std.testing.log_level = .err;
        fixture.* = .{ .loops = try std.testing.allocator.alloc(loop_module.Loop, 2) };
        for (fixture.loops, 0..) |*loop, index| try loop.init(index);
        try fixture.host.init("127.0.0.1", port);
        const settings: pool_module.Settings = .{ .host = &fixture.host, .user = "user", .password = "", .database = "database", .limits = patient };
        try fixture.pool.init(std.testing.allocator, settings, size, fixture.loops);
    }

    fn deinit(fixture: *Fixture) void {
        fixture.pool.deinit();
        for (fixture.loops) |*loop| loop.deinit();
        std.testing.allocator.free(fixture.loops);
    }

    /// Turns both loops until everybody has an outcome, and no connection is being made.
    fn settle(fixture: *Fixture, askings: []Asking) void {
        for (askings) |*asking| {
            while (asking.outcome == null) fixture.turn();
        }
        while (fixture.pool.opening != 0) fixture.turn();
    }

    fn turn(fixture: *Fixture) void {
        var wakeup: loop_module.Timer = .{ .expired = ignore };
        for (fixture.loops) |*loop| {
            loop.startTimer(&wakeup, .none);
            loop.turn();
        }
    }

    fn ignore(_: *loop_module.Timer) void {}

    fn countIdle(fixture: *Fixture) usize {
        return fixture.pool.clients[0].idle.len + fixture.pool.clients[1].idle.len;
    }

    /// Nobody waits, and each connection is idle or closed.
    fn expectQuiet(fixture: *Fixture, alive: usize) !void {
        try std.testing.expectEqual(0, fixture.pool.opening);
        for (fixture.pool.clients) |*client| try std.testing.expectEqual(0, client.waiters.len);
        try std.testing.expectEqual(alive, fixture.pool.alive);
        try std.testing.expectEqual(alive, fixture.countIdle());
        try std.testing.expectEqual(fixture.pool.connections.len - alive, fixture.pool.closed.len);
    }
};

test "no more connections are made than the pool has, and both loops use them" {
    var server: Server = undefined;
    try server.init(100);
    defer server.deinit();
    var fixture: Fixture = undefined;
    try fixture.init(server.port(), 3);
    defer fixture.deinit();
    for (0..20) |_| {
        var askings = [_]Asking{Asking.init()} ** 10;
        for (&askings, 0..) |*asking, index| fixture.pool.clients[index % 2].execute(&asking.query);
        fixture.settle(&askings);
        for (askings) |asking| try std.testing.expectEqual(1, asking.outcome.?.done.count);
        try fixture.expectQuiet(3);
    }
    try std.testing.expectEqual(3, server.connections.load(.monotonic));
}

test "an idle connection moves to the loop that needs it" {
    var server: Server = undefined;
    try server.init(100);
    defer server.deinit();
    var fixture: Fixture = undefined;
    try fixture.init(server.port(), 1);
    defer fixture.deinit();
    for ([_]usize{ 0, 1, 1, 0 }) |index| {
        var askings = [_]Asking{Asking.init()};
        fixture.pool.clients[index].execute(&askings[0].query);
        fixture.settle(&askings);
        try std.testing.expectEqual(1, askings[0].outcome.?.done.count);
        try std.testing.expectEqual(1, fixture.pool.clients[index].idle.len);
    }
    try std.testing.expectEqual(1, server.connections.load(.monotonic));
}

test "where PostgreSQL admits fewer connections, those serve everybody" {
    var server: Server = undefined;
    try server.init(2);
    defer server.deinit();
    var fixture: Fixture = undefined;
    try fixture.init(server.port(), 8);
    defer fixture.deinit();
    for (0..3) |_| {
        var askings = [_]Asking{Asking.init()} ** 40;
        for (&askings, 0..) |*asking, index| fixture.pool.clients[index % 2].execute(&asking.query);
        fixture.settle(&askings);
        for (askings) |asking| try std.testing.expect(asking.outcome.? == .done);
    }
    // Further ones aren't tried for each statement.
    try std.testing.expect(server.connections.load(.monotonic) <= 16);
}

test "without any connection everybody fails at once, and later it is tried again" {
    var listener = try std.net.Address.initIp4(.{ 127, 0, 0, 1 }, 0).listen(.{});
    const port = listener.listen_address.getPort();
    listener.deinit();
    var fixture: Fixture = undefined;
    try fixture.init(port, 4);
    defer fixture.deinit();
    var askings = [_]Asking{Asking.init()} ** 6;
    for (&askings, 0..) |*asking, index| fixture.pool.clients[index % 2].execute(&asking.query);
    fixture.settle(&askings);
    for (askings) |asking| try std.testing.expectEqualStrings("connection refused", asking.outcome.?.unavailable.constSlice());
    try fixture.expectQuiet(0);

    var hasty = [_]Asking{Asking.init()};
    fixture.pool.clients[0].execute(&hasty[0].query);
    try std.testing.expect(hasty[0].outcome.? == .unavailable);
    try std.testing.expectEqual(0, fixture.pool.opening);

    fixture.pool.retry_at = 0;
    var later = [_]Asking{Asking.init()};
    fixture.pool.clients[0].execute(&later[0].query);
    try std.testing.expectEqual(1, fixture.pool.opening);
    fixture.settle(&later);
    try fixture.expectQuiet(0);
}

test "a connection that fails in the turn in which its limit is over is counted once" {
    var fixture: Fixture = undefined;
    try fixture.init(1, 2);
    defer fixture.deinit();
    fixture.host.address = null;
    var askings = [_]Asking{Asking.init()};
    fixture.pool.clients[0].execute(&askings[0].query);
    try std.testing.expectEqual(1, fixture.pool.opening);
    fixture.loops[0].timers.expire(fixture.loops[0].now + 60_000);
    fixture.settle(&askings);
    try fixture.expectQuiet(0);
}

test "a statement waits for a connection no longer than the limit" {
    var server: Server = undefined;
    try server.init(1);
    defer server.deinit();
    var fixture: Fixture = undefined;
    try fixture.init(server.port(), 1);
    defer fixture.deinit();
    var first = [_]Asking{Asking.init()};
    fixture.pool.clients[0].execute(&first[0].query);
    fixture.settle(&first);
    // As if somebody else had it.
    const connection: *Connection = &fixture.pool.connections[0];
    try std.testing.expect(fixture.pool.clients[0].claim(connection).?);
    var waiting = [_]Asking{ Asking.init(), Asking.init() };
    fixture.pool.clients[0].execute(&waiting[0].query);
    fixture.pool.clients[1].execute(&waiting[1].query);
    for (fixture.loops) |*loop| loop.timers.expire(loop.now + 60_000);
    for (waiting) |asking| {
        try std.testing.expectEqualStrings("no connection became free in time", asking.outcome.?.unavailable.constSlice());
    }
    fixture.pool.clients[0].release(connection, false);
    try fixture.expectQuiet(1);
}
