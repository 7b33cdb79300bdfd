//! A server for tests of the clients: it takes a connection on loopback and
//! sends what it is told, from a thread of its own.

const std = @import("std");
const posix = std.posix;

/// Milliseconds.
const patience = 20;

pub const FakeServer = struct {
    listener: std.net.Server,

    pub fn init() !FakeServer {
        const any_port = std.net.Address.initIp4(.{ 127, 0, 0, 1 }, 0);
        return .{ .listener = try any_port.listen(.{ .reuse_address = true }) };
    }

    pub fn deinit(server: *FakeServer) void {
        server.listener.deinit();
    }

    pub fn address(server: *const FakeServer) std.net.Address {
        return server.listener.listen_address;
    }

    /// Takes one connection, sends the first octets once the client has said
    /// something, the second ones when it has said more, and closes it when the
    /// client has gone. A client that was told too little to say more isn't
    /// waited for.
    pub fn serveOnce(server: *FakeServer, first: []const u8, second: []const u8) !std.Thread {
        return std.Thread.spawn(.{}, run, .{ server, first, second });
    }

    fn run(server: *FakeServer, first: []const u8, second: []const u8) void {
        const connection = server.listener.accept() catch return;
        defer connection.stream.close();
        var buffer: [4096]u8 = undefined;
        _ = connection.stream.read(&buffer) catch return;
        connection.stream.writeAll(first) catch return;
        var saying = [1]posix.pollfd{.{ .fd = connection.stream.handle, .events = posix.POLL.IN, .revents = 0 }};
        if (second.len != 0 and (posix.poll(&saying, patience) catch 0) == 1) {
            _ = connection.stream.read(&buffer) catch return;
            connection.stream.writeAll(second) catch return;
        }
        posix.shutdown(connection.stream.handle, .send) catch return;
        while (connection.stream.read(&buffer) catch return != 0) {}
    }
};
