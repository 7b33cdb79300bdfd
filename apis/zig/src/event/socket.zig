//! Non-blocking sockets, with the few outcomes that a server tells apart.

const std = @import("std");
const linux = std.os.linux;
const posix = std.posix;

pub const Error = error{
    /// Nothing can be done now; the loop tells when.
    WouldBlock,
    /// The connection has failed.
    Disconnected,
};

/// Reads what is there; 0 is the end of the stream.
pub fn read(fd: posix.fd_t, buffer: []u8) Error!usize {
    while (true) {
        const result = linux.read(fd, buffer.ptr, buffer.len);
        switch (posix.errno(result)) {
            .SUCCESS => return result,
            .INTR => continue,
            .AGAIN => return error.WouldBlock,
            else => return error.Disconnected,
        }
    }
}

pub const More = enum { last, more };

/// Writes what the socket takes. `more` keeps the kernel from sending a small
/// packet before the rest of the answer follows.
pub fn write(fd: posix.fd_t, bytes: []const u8, more: More) Error!usize {
    const flags: u32 = linux.MSG.NOSIGNAL | (if (more == .more) @as(u32, linux.MSG.MORE) else 0);
    while (true) {
        const result = linux.sendto(fd, bytes.ptr, bytes.len, flags, null, 0);
        switch (posix.errno(result)) {
            .SUCCESS => return result,
            .INTR => continue,
            .AGAIN => return error.WouldBlock,
            else => return error.Disconnected,
        }
    }
}

/// Writes two pieces in one call.
pub fn writeBoth(fd: posix.fd_t, first: []const u8, second: []const u8) Error!usize {
    var pieces = [2]posix.iovec_const{
        .{ .base = first.ptr, .len = first.len },
        .{ .base = second.ptr, .len = second.len },
    };
    const message: linux.msghdr_const = .{
        .name = null,
        .namelen = 0,
        .iov = &pieces,
        .iovlen = pieces.len,
        .control = null,
        .controllen = 0,
        .flags = 0,
    };
    while (true) {
        const result = linux.sendmsg(fd, &message, linux.MSG.NOSIGNAL);
        switch (posix.errno(result)) {
            .SUCCESS => return result,
            .INTR => continue,
            .AGAIN => return error.WouldBlock,
            else => return error.Disconnected,
        }
    }
}

/// Copies up to `count` octets of a file into the socket; 0 is its end.
pub fn sendFile(fd: posix.fd_t, file: posix.fd_t, count: u64) Error!usize {
    while (true) {
        const result = linux.sendfile(fd, file, null, @intCast(@min(count, 1 << 30)));
        switch (posix.errno(result)) {
            .SUCCESS => return result,
            .INTR => continue,
            .AGAIN => return error.WouldBlock,
            else => return error.Disconnected,
        }
    }
}

/// Tells the peer that nothing more is sent.
pub fn shutdownWrite(fd: posix.fd_t) void {
    _ = linux.shutdown(fd, linux.SHUT.WR);
}

pub const AcceptError = error{
    WouldBlock,
    /// The process or the system is out of descriptors or memory.
    Exhausted,
};

/// Accepts a connection.
pub fn accept(listener: posix.fd_t) AcceptError!posix.fd_t {
    while (true) {
        const result = linux.accept4(listener, null, null, linux.SOCK.CLOEXEC | linux.SOCK.NONBLOCK);
        switch (posix.errno(result)) {
            .SUCCESS => return @intCast(result),
            .AGAIN => return error.WouldBlock,
            .MFILE, .NFILE, .NOBUFS, .NOMEM => return error.Exhausted,
            // The rest concerns the one connection that was taken, which is gone
            // (accept(2), "Error handling").
            else => continue,
        }
    }
}

/// Starts to connect. The loop tells when the outcome is known: by `connected`.
pub fn connect(address: std.net.Address) error{Unreachable}!posix.fd_t {
    const kind = linux.SOCK.STREAM | linux.SOCK.CLOEXEC | linux.SOCK.NONBLOCK;
    const created = linux.socket(address.any.family, kind, linux.IPPROTO.TCP);
    if (posix.errno(created) != .SUCCESS) return error.Unreachable;
    const fd: posix.fd_t = @intCast(created);
    setNoDelay(fd);
    switch (posix.errno(linux.connect(fd, &address.any, address.getOsSockLen()))) {
        .SUCCESS, .INPROGRESS, .INTR => return fd,
        else => {
            posix.close(fd);
            return error.Unreachable;
        },
    }
}

/// The outcome of `connect`, once the socket is writable.
pub fn connected(fd: posix.fd_t) bool {
    var code: i32 = 0;
    var length: posix.socklen_t = @sizeOf(i32);
    const result = linux.getsockopt(fd, linux.SOL.SOCKET, linux.SO.ERROR, std.mem.asBytes(&code), &length);
    return posix.errno(result) == .SUCCESS and code == 0;
}

/// Answers are written whole, so Nagle's algorithm could only delay them.
pub fn setNoDelay(fd: posix.fd_t) void {
    const on: i32 = 1;
    _ = linux.setsockopt(fd, linux.IPPROTO.TCP, linux.TCP.NODELAY, std.mem.asBytes(&on), @sizeOf(i32));
}

/// Listens on an address. What is accepted inherits TCP_NODELAY.
pub fn listen(address: std.net.Address) !posix.fd_t {
    const kind = posix.SOCK.STREAM | posix.SOCK.CLOEXEC | posix.SOCK.NONBLOCK;
    const fd = try posix.socket(address.any.family, kind, posix.IPPROTO.TCP);
    errdefer posix.close(fd);
    const on: i32 = 1;
    // Else a restart would have to wait for the connections of the last one.
    try posix.setsockopt(fd, posix.SOL.SOCKET, posix.SO.REUSEADDR, std.mem.asBytes(&on));
    setNoDelay(fd);
    try posix.bind(fd, &address.any, address.getOsSockLen());
    try posix.listen(fd, 4096);
    return fd;
}
