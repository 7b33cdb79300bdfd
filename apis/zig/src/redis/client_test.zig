const std = @import("std");
const address = @import("../event/address.zig");
const client_module = @import("client.zig");
const FakeServer = @import("../fake_server.zig").FakeServer;
const fuzz_module = @import("../fuzz.zig");
const loop_module = @import("../event/loop.zig");

const Asking = struct {
    command: client_module.Command = .{ .done = onDone },
    times: usize = 0,
    value: [64]u8 = undefined,
    length: ?usize = null,

    fn onDone(command: *client_module.Command, outcome: client_module.Outcome) void {
        const asking: *Asking = @fieldParentPtr("command", command);
        asking.times += 1;
        if (outcome != .reply or outcome.reply != .bulk) return;
        const value = outcome.reply.bulk;
        asking.length = @min(value.len, asking.value.len);
        @memcpy(asking.value[0..asking.length.?], value[0..asking.length.?]);
    }
};

fn onFailed(_: *client_module.Client, _: []const u8) void {}

const Fixture = struct {
    server: FakeServer,
    loop: *loop_module.Loop,
    settings: client_module.Settings,
    resolver: address.Resolver = .{},
    client: client_module.Client,

    fn init(fixture: *Fixture) !void {
        const server: FakeServer = try .init();
        const loop = try std.testing.allocator.create(loop_module.Loop);
        try loop.init(0);
        fixture.* = .{
            .server = server,
            .loop = loop,
            .settings = .{ .host = .{ .literal = server.address() }, .user = "", .password = "secret", .number = 2 },
            .client = .{
                .loop = loop,
                .settings = &fixture.settings,
                .resolver = &fixture.resolver,
                .allocator = std.testing.allocator,
                .failed = onFailed,
            },
        };
    }

    fn deinit(fixture: *Fixture) void {
        fixture.client.deinit();
        fixture.loop.deinit();
        std.testing.allocator.destroy(fixture.loop);
        fixture.server.deinit();
    }

    /// Sends two commands at once to a server that sends these octets.
    fn ask(fixture: *Fixture, octets: []const u8) ![2]Asking {
        const thread = try fixture.server.serveOnce(octets, "");
        var askings = [_]Asking{ .{}, .{} };
        for (&askings) |*asking| fixture.client.sendAnyway(&asking.command, &.{ "GET", "key" });
        while (askings[0].times == 0 or askings[1].times == 0) fixture.loop.turn();
        while (fixture.client.state != .closed) fixture.loop.turn();
        thread.join();
        for (askings) |asking| try std.testing.expectEqual(1, asking.times);
        return askings;
    }
};

test "commands that follow each other have their replies in order" {
    var fixture: Fixture = undefined;
    try fixture.init();
    defer fixture.deinit();
    const askings = try fixture.ask("+OK\r\n+OK\r\n$3\r\none\r\n$3\r\ntwo\r\n");
    try std.testing.expectEqualStrings("one", askings[0].value[0..askings[0].length.?]);
    try std.testing.expectEqualStrings("two", askings[1].value[0..askings[1].length.?]);
}

test "a server that refuses, breaks the protocol or says nothing fails every command" {
    var fixture: Fixture = undefined;
    try fixture.init();
    defer fixture.deinit();
    for ([_][]const u8{ "", "-WRONGPASS\r\n", "+OK\r\n-ERR DB index is out of range\r\n", "+OK\r\n+OK\r\n", "+OK\r\n+OK\r\n*1\r\n", "?" }) |octets| {
        for (try fixture.ask(octets)) |asking| try std.testing.expectEqual(null, asking.length);
    }
}

test "after a failure Redis is passed over" {
    var fixture: Fixture = undefined;
    try fixture.init();
    defer fixture.deinit();
    _ = try fixture.ask("");
    var asking: Asking = .{};
    fixture.client.send(&asking.command, &.{"PING"});
    try std.testing.expectEqual(1, asking.times);
}

test "a name that had no address is looked up again" {
    var fixture: Fixture = undefined;
    try fixture.init();
    defer fixture.deinit();
    fixture.settings.host = .{ .name = .{ .text = "redis", .port = 6379 } };
    // As if its thread ran, though nobody takes what is submitted.
    fixture.resolver.started = true;
    const lookup = &fixture.client.lookup;
    for (0..2) |_| {
        var asking: Asking = .{};
        fixture.client.sendAnyway(&asking.command, &.{"PING"});
        try std.testing.expect(fixture.resolver.first == lookup);
        fixture.resolver.first = null;
        lookup.task.run(&lookup.task);
        try std.testing.expectEqual(1, asking.times);
    }
}

test "fuzz: whatever a server sends, each command has one outcome" {
    var fixture: Fixture = undefined;
    try fixture.init();
    defer fixture.deinit();
    var fuzz: fuzz_module.Fuzz = .init(10);
    var buffer: [256]u8 = undefined;
    for (0..@max(1, fuzz_module.rounds / 10)) |_| {
        _ = try fixture.ask(fuzz.mutate("+OK\r\n+OK\r\n$3\r\none\r\n$-1\r\n", &buffer));
    }
}
