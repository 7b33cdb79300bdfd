const std = @import("std");
const client_module = @import("client.zig");
const FakeServer = @import("../testing/fake_server.zig").FakeServer;
const fuzz_module = @import("../testing/fuzz.zig");
const Host = @import("../event/dialer.zig").Host;
const loop_module = @import("../event/loop.zig");
const resp = @import("resp.zig");

const Asking = struct {
    command: client_module.Command = .{ .done = onDone },
    times: usize = 0,
    value: std.BoundedArray(u8, 64) = .{},

    fn onDone(command: *client_module.Command, reply: ?resp.Reply) void {
        const asking: *Asking = @fieldParentPtr("command", command);
        asking.times += 1;
        const found = reply orelse return;
        if (found == .bulk) asking.value.appendSliceAssumeCapacity(found.bulk[0..@min(found.bulk.len, 64)]);
    }
};

const Fixture = struct {
    server: FakeServer,
    loop: *loop_module.Loop,
    host: Host = undefined,
    settings: client_module.Settings,
    client: client_module.Client,

    fn init(fixture: *Fixture) !void {
        std.testing.log_level = .err;
        fixture.server = try .init();
        fixture.loop = try std.testing.allocator.create(loop_module.Loop);
        try fixture.loop.init(0);
        try fixture.host.init("127.0.0.1", fixture.server.address().getPort());
        fixture.settings = .{ .host = &fixture.host, .user = "", .password = "secret", .database = 2 };
        fixture.client = .init(fixture.loop, &fixture.settings, std.testing.allocator);
    }

    fn deinit(fixture: *Fixture) void {
        fixture.client.deinit();
        fixture.loop.deinit();
        std.testing.allocator.destroy(fixture.loop);
        fixture.server.deinit();
    }

    /// Sends two commands at once to a server that sends these bytes.
    fn ask(fixture: *Fixture, bytes: []const u8) ![2]Asking {
        fixture.loop.stopTimer(&fixture.client.pause_timer);
        const thread = try fixture.server.serveOnce(&.{bytes}, 0);
        var askings = [_]Asking{ .{}, .{} };
        for (&askings) |*asking| fixture.client.send(&asking.command, &.{ "GET", "key" });
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
    fixture.settings.limit = .s_60;
    const askings = try fixture.ask("+OK\r\n+OK\r\n$3\r\none\r\n$3\r\ntwo\r\n");
    try std.testing.expectEqualStrings("one", askings[0].value.constSlice());
    try std.testing.expectEqualStrings("two", askings[1].value.constSlice());
}

test "a server that refuses, breaks the protocol or says nothing fails every command" {
    var fixture: Fixture = undefined;
    try fixture.init();
    defer fixture.deinit();
    for ([_][]const u8{ "", "-WRONGPASS\r\n", "+OK\r\n-ERR DB index is out of range\r\n", "+OK\r\n+OK\r\n", "+OK\r\n+OK\r\n*1\r\n", "?" }) |bytes| {
        for (try fixture.ask(bytes)) |asking| try std.testing.expectEqual(0, asking.value.len);
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

    var urgent: Asking = .{};
    urgent.command.is_urgent = true;
    fixture.client.send(&urgent.command, &.{ "DEL", "key" });
    try std.testing.expectEqual(0, urgent.times);
    while (urgent.times == 0) fixture.loop.turn();
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
