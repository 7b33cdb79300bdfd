//! A non-blocking socket in an edge-triggered loop. The loop reports once what
//! it is ready for; then it counts as ready until a call would block.

const std = @import("std");
const linux = std.os.linux;
const posix = std.posix;
const loop_module = @import("loop.zig");

/// Seconds after which a silent peer is asked whether it is still there, and
/// between two such questions.
const keepalive_seconds = 1;

/// Milliseconds for which what was sent may stay unacknowledged. With the
/// questions above, a peer behind a broken network is given up after 2 to 3 s.
const user_timeout = 2_000;

pub const Channel = struct {
    /// -1 if there is none: every call fails then, as on a lost connection.
    fd: posix.fd_t = -1,
    readable: bool = false,
    writable: bool = false,
    /// The peer has sent all that it will.
    ended: bool = false,

    pub const Error = error{Disconnected};

    pub fn isOpen(channel: *const Channel) bool {
        return channel.fd != -1;
    }

    /// Starts to connect to a server. Once the socket is writable, `expectConnected`
    /// says whether it worked.
    pub fn connect(channel: *Channel, address: std.net.Address) error{ ConnectionRefused, Unreachable }!void {
        const kind = linux.SOCK.STREAM | linux.SOCK.CLOEXEC | linux.SOCK.NONBLOCK;
        const created = linux.socket(address.any.family, kind, linux.IPPROTO.TCP);
        if (posix.errno(created) != .SUCCESS) return error.Unreachable;
        const fd: posix.fd_t = @intCast(created);
        setNoDelay(fd);
        setOption(fd, linux.SOL.SOCKET, linux.SO.KEEPALIVE, 1);
        setOption(fd, linux.IPPROTO.TCP, linux.TCP.KEEPIDLE, keepalive_seconds);
        setOption(fd, linux.IPPROTO.TCP, linux.TCP.KEEPINTVL, keepalive_seconds);
        setOption(fd, linux.IPPROTO.TCP, linux.TCP.KEEPCNT, user_timeout / 1000);
        setOption(fd, linux.IPPROTO.TCP, linux.TCP.USER_TIMEOUT, user_timeout);
        errdefer posix.close(fd);
        switch (posix.errno(linux.connect(fd, &address.any, address.getOsSockLen()))) {
            .SUCCESS, .INPROGRESS, .INTR => channel.fd = fd,
            .CONNREFUSED => return error.ConnectionRefused,
            else => return error.Unreachable,
        }
    }

    pub fn expectConnected(channel: *const Channel) error{ ConnectionRefused, Disconnected }!void {
        var code: i32 = 0;
        var length: posix.socklen_t = @sizeOf(i32);
        const result = linux.getsockopt(channel.fd, linux.SOL.SOCKET, linux.SO.ERROR, std.mem.asBytes(&code), &length);
        if (posix.errno(result) != .SUCCESS) return error.Disconnected;
        if (code == @intFromEnum(linux.E.CONNREFUSED)) return error.ConnectionRefused;
        if (code != 0) return error.Disconnected;
    }

    /// Has the loop report the socket, beginning with its present state.
    /// What another loop has reported is forgotten.
    pub fn attach(channel: *Channel, loop: *loop_module.Loop, source: *loop_module.Source) !void {
        channel.readable = false;
        channel.writable = false;
        channel.ended = false;
        try loop.add(channel.fd, source);
    }

    /// Takes in what the loop reports.
    pub fn notice(channel: *Channel, ready: loop_module.Ready) void {
        channel.readable = channel.readable or ready.readable;
        channel.writable = channel.writable or ready.writable;
        channel.ended = channel.ended or ready.ended;
    }

    /// Reads what has arrived; null: nothing, until the loop reports more.
    pub fn read(channel: *Channel, buffer: []u8) Error!?usize {
        if (!channel.readable) return null;
        const length = try outcome(linux.read(channel.fd, buffer.ptr, buffer.len)) orelse {
            channel.readable = false;
            return null;
        };
        if (length == 0) return error.Disconnected;
        // Less than was asked for is all there is, unless the end is there as
        // well: that isn't reported again.
        if (length < buffer.len and !channel.ended) channel.readable = false;
        return length;
    }

    /// Writes what the socket takes of the two; null: nothing, until the loop
    /// reports it. With `more`, the kernel holds back a packet that isn't full.
    pub fn write(channel: *Channel, first: []const u8, second: []const u8, more: bool) Error!?usize {
        const pieces = [2]posix.iovec_const{
            .{ .base = first.ptr, .len = first.len },
            .{ .base = second.ptr, .len = second.len },
        };
        // An empty piece may point anywhere, which the kernel doesn't accept.
        const full = pieces[@intFromBool(first.len == 0) .. 2 - @as(usize, @intFromBool(second.len == 0))];
        const message: linux.msghdr_const = .{
            .name = null,
            .namelen = 0,
            .iov = full.ptr,
            .iovlen = @intCast(full.len),
            .control = null,
            .controllen = 0,
            .flags = 0,
        };
        const flags = linux.MSG.NOSIGNAL | if (more) @as(u32, linux.MSG.MORE) else 0;
        return channel.written(linux.sendmsg(channel.fd, &message, flags));
    }

    /// Copies up to `count` bytes of a file into the socket, as `write` does; 0
    /// is the file's end.
    pub fn sendFile(channel: *Channel, file: posix.fd_t, count: u64) Error!?usize {
        return channel.written(linux.sendfile(channel.fd, file, null, @intCast(@min(count, 1 << 30))));
    }

    fn written(channel: *Channel, result: usize) Error!?usize {
        const length = try outcome(result);
        if (length == null) channel.writable = false;
        return length;
    }

    /// Reports to the peer that nothing more is sent.
    pub fn shutdownWrite(channel: *const Channel) void {
        _ = linux.shutdown(channel.fd, linux.SHUT.WR);
    }

    pub fn close(channel: *Channel) void {
        if (channel.fd != -1) posix.close(channel.fd);
        channel.fd = -1;
    }
};

/// The result of a call on a socket that doesn't block; null: it would have.
fn outcome(result: usize) Channel.Error!?usize {
    return switch (posix.errno(result)) {
        .SUCCESS => result,
        .AGAIN => null,
        else => error.Disconnected,
    };
}

/// Whatever is written here is written whole, so Nagle's algorithm could only
/// delay it.
pub fn setNoDelay(fd: posix.fd_t) void {
    setOption(fd, linux.IPPROTO.TCP, linux.TCP.NODELAY, 1);
}

fn setOption(fd: posix.fd_t, level: i32, option: u32, value: i32) void {
    _ = linux.setsockopt(fd, level, option, std.mem.asBytes(&value), @sizeOf(i32));
}
