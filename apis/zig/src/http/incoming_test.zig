const std = @import("std");
const Channel = @import("../event/channel.zig").Channel;
const Incoming = @import("incoming.zig").Incoming;
const SocketPair = @import("../socket_pair.zig").SocketPair;

const allocator = std.testing.allocator;
const chunked = "POST /1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n";
const behind = "GET /2 HTTP/1.1\r\nHost: x\r\n\r\n";

test "a body that came with its head is passed over, and the next request found behind it" {
    var pair: SocketPair = try .init();
    defer pair.deinit();
    var channel: Channel = .{ .fd = pair.near, .readable = true };
    defer channel.close();
    var incoming: Incoming = .{};
    defer incoming.deinit(allocator);
    try pair.say(chunked ++ "\r\n3\r\nabc\r\n0\r\n\r\n" ++ behind);
    const first = (try incoming.nextHead(&channel, allocator)).?;
    try std.testing.expectEqualStrings("/1", first.path);
    try incoming.dropReceived();
    try std.testing.expect(incoming.remainder.isComplete());
    incoming.release();
    incoming.startOver(allocator);
    const second = (try incoming.nextHead(&channel, allocator)).?;
    try std.testing.expectEqualStrings("/2", second.path);
    try std.testing.expect(incoming.isEmpty());
}

test "a head that fills the buffer leaves room for a chunked body, and stays where it is" {
    var pair: SocketPair = try .init();
    defer pair.deinit();
    var channel: Channel = .{ .fd = pair.near, .readable = true };
    defer channel.close();
    var incoming: Incoming = .{};
    defer incoming.deinit(allocator);
    const start = chunked ++ "X: ";
    try pair.say(start ++ "x" ** ((4 << 10) - start.len - 4) ++ "\r\n\r\n");
    const head = (try incoming.nextHead(&channel, allocator)).?;
    var scratch: [0]u8 = .{};
    try pair.say("3\r\nabc\r\n0\r\n\r\n");
    channel.readable = true;
    var body: std.BoundedArray(u8, 8) = .{};
    while (!incoming.remainder.isComplete()) {
        try body.appendSlice((try incoming.nextOfBody(&channel, &scratch)).?);
    }
    try std.testing.expectEqualStrings("abc", body.constSlice());
    try std.testing.expectEqualStrings("/1", head.path);
}
