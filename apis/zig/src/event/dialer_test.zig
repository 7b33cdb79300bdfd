const std = @import("std");
const linux = std.os.linux;
const Channel = @import("channel.zig").Channel;
const dialer_module = @import("dialer.zig");
const FakeServer = @import("../testing/fake_server.zig").FakeServer;
const loop_module = @import("loop.zig");

const Client = struct {
    loop: *loop_module.Loop,
    host: dialer_module.Host = undefined,
    channel: Channel = .{},
    source: loop_module.Source = .{ .ready = onReady },
    dialer: dialer_module.Dialer = undefined,
    reason: []const u8 = "",
    failures: usize = 0,

    fn init(client: *Client) !void {
        const loop = try std.testing.allocator.create(loop_module.Loop);
        try loop.init(0);
        client.* = .{ .loop = loop };
        client.dialer = .{ .host = &client.host, .failed = onFailed };
    }

    fn deinit(client: *Client) void {
        client.channel.close();
        client.loop.deinit();
        std.testing.allocator.destroy(client.loop);
    }

    fn start(client: *Client) void {
        client.dialer.start(client.loop, &client.channel, &client.source, .s_2);
    }

    fn onReady(source: *loop_module.Source, _: *loop_module.Loop, ready: loop_module.Ready) void {
        const client: *Client = @fieldParentPtr("source", source);
        client.channel.notice(ready);
    }

    fn onFailed(dialer: *dialer_module.Dialer, reason: []const u8) void {
        const client: *Client = @fieldParentPtr("dialer", dialer);
        client.reason = reason;
        client.failures += 1;
    }
};

test "a failure is reported once and later, even when the limit is over by then" {
    var client: Client = undefined;
    try client.init();
    defer client.deinit();
    client.host = .{ .name = "postgres", .port = 5432 }; // not looked up yet
    client.start();
    try std.testing.expectEqual(0, client.failures);
    client.loop.timers.expire(client.loop.now + 10_000);
    client.loop.timers.expire(client.loop.now + 20_000);
    try std.testing.expectEqual(1, client.failures);
    try std.testing.expectEqualStrings("its host has no address", client.reason);
}

test "a client that is ready, or has given up, gets no report" {
    var client: Client = undefined;
    try client.init();
    defer client.deinit();
    client.host = .{ .name = "postgres", .port = 5432 };
    client.start();
    client.dialer.stop(client.loop);
    client.start();
    client.dialer.giveUp(client.loop);
    client.loop.timers.expire(client.loop.now + 10_000);
    try std.testing.expectEqual(0, client.failures);
}

test "a connection that takes too long is given up" {
    var client: Client = undefined;
    try client.init();
    defer client.deinit();
    var server: FakeServer = try .init();
    defer server.deinit();
    try client.host.init("127.0.0.1", server.address().getPort());
    client.start();
    client.loop.timers.expire(client.loop.now + 1_999);
    try std.testing.expectEqual(0, client.failures);
    client.loop.timers.expire(client.loop.now + 2_000);
    try std.testing.expectEqualStrings("it can't be reached in time", client.reason);
}

test "a peer behind a broken network is found by the kernel" {
    var client: Client = undefined;
    try client.init();
    defer client.deinit();
    var server: FakeServer = try .init();
    defer server.deinit();
    try client.host.init("127.0.0.1", server.address().getPort());
    client.start();
    defer client.dialer.stop(client.loop);
    const options = [_]struct { i32, u32, i32 }{
        .{ linux.SOL.SOCKET, linux.SO.KEEPALIVE, 1 },
        .{ linux.IPPROTO.TCP, linux.TCP.KEEPIDLE, 1 },
        .{ linux.IPPROTO.TCP, linux.TCP.KEEPINTVL, 1 },
        .{ linux.IPPROTO.TCP, linux.TCP.KEEPCNT, 2 },
        .{ linux.IPPROTO.TCP, linux.TCP.USER_TIMEOUT, 2_000 },
    };
    for (options) |option| {
        var value: i32 = 0;
        var length: std.posix.socklen_t = @sizeOf(i32);
        _ = linux.getsockopt(client.channel.fd, option[0], option[1], std.mem.asBytes(&value), &length);
        try std.testing.expectEqual(option[2], value);
    }
}

/// Its thread outlives the test.
var host: dialer_module.Host = undefined;

test "a name is looked up, and again when it is stale" {
    try host.init("localhost", 5432);
    for (0..2) |_| {
        for (0..10_000) |_| {
            host.mutex.lock();
            const found = host.address;
            host.mutex.unlock();
            if (found) |address| break try std.testing.expectEqual(5432, address.getPort());
            std.time.sleep(std.time.ns_per_ms);
        } else return error.NotLookedUp;
        host.mutex.lock();
        host.address = null;
        host.mutex.unlock();
        host.stale.set();
    }
}
