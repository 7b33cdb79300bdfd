//! A server for tests of the clients: it takes connections on loopback and sends
//! what it is given, from a thread of its own.

const std = @import("std");
const posix = std.posix;

pub const FakeServer = struct {
    listener: std.net.Server,

    pub fn init() !FakeServer {
        const any_port = std.net.Address.initIp4(.{ 127, 0, 0, 1 }, 0);
        return .{ .listener = try any_port.listen(.{}) };
    }

    pub fn deinit(server: *FakeServer) void {
        server.listener.deinit();
    }

    pub fn address(server: *const FakeServer) std.net.Address {
        return server.listener.listen_address;
    }

    /// Takes one connection, and sends one reply each time the client has said
    /// something. After the first one it waits `patience` milliseconds for that.
    pub fn serveOnce(server: *FakeServer, replies: []const []const u8, patience: i32) !std.Thread {
        return std.Thread.spawn(.{}, run, .{ server, replies, patience });
    }

    fn run(server: *FakeServer, replies: []const []const u8, patience: i32) void {
        const connection = server.listener.accept() catch return;
        defer connection.stream.close();
        var buffer: [16 << 10]u8 = undefined;
        var saying = [1]posix.pollfd{.{ .fd = connection.stream.handle, .events = posix.POLL.IN, .revents = 0 }};
        for (replies, 0..) |reply, index| {
            if (index != 0 and (posix.poll(&saying, patience) catch 0) == 0) break;
            _ = connection.stream.read(&buffer) catch return;
            connection.stream.writeAll(reply) catch return;
        }
        posix.shutdown(connection.stream.handle, .send) catch return;
        while (connection.stream.read(&buffer) catch return != 0) {}
    }
};
