//! Two ends of a connection, for tests of what reads and writes one. Neither
//! blocks.

const std = @import("std");
const linux = std.os.linux;
const posix = std.posix;

pub const SocketPair = struct {
    /// Whoever is tested closes it.
    near: posix.fd_t,
    /// The peer's; null once it has gone.
    far: ?posix.fd_t,

    pub fn init() !SocketPair {
        const kind = linux.SOCK.STREAM | linux.SOCK.CLOEXEC | linux.SOCK.NONBLOCK;
        var ends: [2]posix.fd_t = undefined;
        if (posix.errno(linux.socketpair(linux.AF.UNIX, kind, 0, &ends)) != .SUCCESS) return error.NoSockets;
        return .{ .near = ends[0], .far = ends[1] };
    }

    pub fn deinit(pair: *SocketPair) void {
        pair.leave();
    }

    /// The peer sends octets, which must fit into the socket.
    pub fn say(pair: *const SocketPair, octets: []const u8) !void {
        try std.testing.expectEqual(octets.len, try posix.write(pair.far.?, octets));
    }

    /// The peer takes what there is.
    pub fn hear(pair: *const SocketPair, buffer: []u8) ![]u8 {
        return buffer[0..try posix.read(pair.far.?, buffer)];
    }

    /// The peer has sent all that it will.
    pub fn hangUp(pair: *const SocketPair) !void {
        try posix.shutdown(pair.far.?, .send);
    }

    /// The peer closes its end.
    pub fn leave(pair: *SocketPair) void {
        posix.close(pair.far orelse return);
        pair.far = null;
    }
};
