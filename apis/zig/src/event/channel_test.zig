const std = @import("std");
const Channel = @import("channel.zig").Channel;
const loop_module = @import("loop.zig");
const SocketPair = @import("../socket_pair.zig").SocketPair;

test "less than was asked for is all there is, until the loop tells of more" {
    var pair: SocketPair = try .init();
    defer pair.deinit();
    var channel: Channel = .{ .fd = pair.near, .readable = true };
    defer channel.close();
    try pair.say("abc");
    var buffer: [8]u8 = undefined;
    try std.testing.expectEqual(3, try channel.read(&buffer));
    try std.testing.expect(!channel.readable);
    try pair.say("de");
    try std.testing.expectEqual(null, try channel.read(&buffer));
    channel.notice(.{ .readable = true, .writable = false, .ended = false });
    try std.testing.expectEqual(2, try channel.read(&buffer));
    try std.testing.expectEqualStrings("de", buffer[0..2]);
}

test "as much as was asked for may not be all; the call that finds nothing says so" {
    var pair: SocketPair = try .init();
    defer pair.deinit();
    var channel: Channel = .{ .fd = pair.near, .readable = true };
    defer channel.close();
    try pair.say("abcd");
    var buffer: [4]u8 = undefined;
    try std.testing.expectEqual(4, try channel.read(&buffer));
    try std.testing.expect(channel.readable);
    try std.testing.expectEqual(null, try channel.read(&buffer));
    try std.testing.expect(!channel.readable);
}

test "the end is found behind what was sent before it" {
    var pair: SocketPair = try .init();
    defer pair.deinit();
    var channel: Channel = .{ .fd = pair.near };
    defer channel.close();
    try pair.say("abc");
    try pair.hangUp();
    channel.notice(.{ .readable = true, .writable = false, .ended = true });
    // News of something else doesn't take it back.
    channel.notice(.{ .readable = false, .writable = true, .ended = false });
    var buffer: [8]u8 = undefined;
    try std.testing.expectEqual(3, try channel.read(&buffer));
    try std.testing.expectError(error.Ended, channel.read(&buffer));
}

test "nothing is written before the loop has told that the socket takes it" {
    var pair: SocketPair = try .init();
    defer pair.deinit();
    var channel: Channel = .{ .fd = pair.near };
    defer channel.close();
    var buffer: [8]u8 = undefined;
    try std.testing.expectEqual(null, try channel.write("abc"));
    try std.testing.expectError(error.WouldBlock, pair.hear(&buffer));
    channel.notice(.{ .readable = false, .writable = true, .ended = false });
    try std.testing.expectEqual(3, try channel.write("abc"));
    try std.testing.expectEqualStrings("abc", try pair.hear(&buffer));
}

test "a peer that is gone is noticed by who writes" {
    var pair: SocketPair = try .init();
    defer pair.deinit();
    var channel: Channel = .{ .fd = pair.near, .readable = true, .writable = true };
    defer channel.close();
    // What wasn't read makes a reset of the end.
    try std.testing.expectEqual(1, try channel.write("x"));
    pair.leave();
    var buffer: [8]u8 = undefined;
    try std.testing.expectError(error.Disconnected, channel.read(&buffer));
    try std.testing.expectError(error.Disconnected, channel.write("x"));
}

test "without a socket, every call fails like a lost connection" {
    var channel: Channel = .{ .readable = true, .writable = true };
    var buffer: [8]u8 = undefined;
    try std.testing.expect(!channel.isOpen() and !channel.isConnected());
    try std.testing.expectError(error.Disconnected, channel.read(&buffer));
    try std.testing.expectError(error.Disconnected, channel.write("x"));
    channel.close();
}

const Probe = struct {
    source: loop_module.Source = .{ .ready = onReady },
    channel: Channel,
    times: usize = 0,

    fn onReady(source: *loop_module.Source, _: *loop_module.Loop, ready: loop_module.Ready) void {
        const probe: *Probe = @fieldParentPtr("source", source);
        probe.channel.notice(ready);
        probe.times += 1;
    }
};

test "a loop tells once what a socket is ready for, and another one anew" {
    var pair: SocketPair = try .init();
    defer pair.deinit();
    const loops = try std.testing.allocator.alloc(loop_module.Loop, 2);
    defer std.testing.allocator.free(loops);
    for (loops, 0..) |*loop, index| try loop.init(index);
    defer for (loops) |*loop| loop.deinit();

    var probe: Probe = .{ .channel = .{ .fd = pair.near } };
    defer probe.channel.close();
    try pair.say("abc");
    try probe.channel.attach(&loops[0], &probe.source);
    loops[0].turn();
    try std.testing.expectEqual(1, probe.times);
    try std.testing.expect(probe.channel.readable and probe.channel.writable and !probe.channel.ended);
    probe.channel.detach(&loops[0]);

    try pair.hangUp();
    try probe.channel.attach(&loops[1], &probe.source);
    try std.testing.expect(!probe.channel.readable and !probe.channel.writable);
    loops[1].turn();
    try std.testing.expectEqual(2, probe.times);
    try std.testing.expect(probe.channel.readable and probe.channel.writable and probe.channel.ended);
}

test "where nobody listens, there is no connection" {
    const any_port = std.net.Address.initIp4(.{ 127, 0, 0, 1 }, 0);
    var server = try any_port.listen(.{});
    const address = server.listen_address;
    const loop = try std.testing.allocator.create(loop_module.Loop);
    defer std.testing.allocator.destroy(loop);
    try loop.init(0);
    defer loop.deinit();
    for ([_]bool{ true, false }) |listens| {
        if (!listens) server.deinit();
        var probe: Probe = .{ .channel = .{} };
        defer probe.channel.close();
        try probe.channel.connect(address);
        try probe.channel.attach(loop, &probe.source);
        while (!probe.channel.writable) loop.turn();
        try std.testing.expectEqual(listens, probe.channel.isConnected());
    }
}
