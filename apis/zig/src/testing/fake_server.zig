//! A server for tests of the clients: it takes connections on loopback and sends
//! what it is given, from a thread of its own.

const std = @import("std");
const posix = std.posix;

pub const FakeServer = struct {
    listener: std.net.Server,
    /// Connections that were taken.
    taken: usize = 0,
    /// What the client said before the last reply.
    heard: Heard = .{},

    const Heard = std.BoundedArray(u8, 256);

    pub fn init() !FakeServer {
        const any_port = std.net.Address.initIp4(.{ 127, 0, 0, 1 }, 0);
        return .{ .listener = try any_port.listen(.{}) };
    }

    pub fn deinit(server: *FakeServer) void {
        server.listener.deinit();
    }

    /// Takes no more connections.
    pub fn stop(server: *FakeServer) void {
        posix.shutdown(server.listener.stream.handle, .both) catch {};
    }

    pub fn address(server: *const FakeServer) std.net.Address {
        return server.listener.listen_address;
    }

    /// Takes one connection, and sends one reply each time the client has said
    /// something. After the first one it waits `timeout` milliseconds for that.
    pub fn serveOnce(server: *FakeServer, replies: []const []const u8, timeout: i32) !std.Thread {
        return std.Thread.spawn(.{}, run, .{ server, replies, timeout });
    }

    /// Takes one connection after the other, and sends one reply on each.
    pub fn serveEach(server: *FakeServer, replies: []const []const u8) !std.Thread {
        return std.Thread.spawn(.{}, runEach, .{ server, replies });
    }

    fn runEach(server: *FakeServer, replies: []const []const u8) void {
        for (replies) |reply| server.run(&.{reply}, 0);
    }

    fn run(server: *FakeServer, replies: []const []const u8, timeout: i32) void {
        const connection = server.listener.accept() catch return;
        server.taken += 1;
        defer connection.stream.close();
        var buffer: [16 << 10]u8 = undefined;
        var saying = [1]posix.pollfd{.{ .fd = connection.stream.handle, .events = posix.POLL.IN, .revents = 0 }};
        for (replies, 0..) |reply, index| {
            if (index != 0 and (posix.poll(&saying, timeout) catch 0) == 0) break;
            const length = connection.stream.read(&buffer) catch return;
            server.heard = Heard.fromSlice(buffer[0..@min(length, 256)]) catch unreachable;
            connection.stream.writeAll(reply) catch return;
        }
        posix.shutdown(connection.stream.handle, .send) catch return;
        while (connection.stream.read(&buffer) catch return != 0) {}
    }
};
