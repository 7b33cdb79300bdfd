//! A socket in an edge-triggered loop, and what it is ready for. The loop tells
//! once; then the socket counts as ready until a call finds that it isn't.

const std = @import("std");
const posix = std.posix;
const loop_module = @import("loop.zig");
const socket = @import("socket.zig");

pub const Channel = struct {
    /// -1 where there is none, on which every call fails like a lost connection.
    fd: posix.fd_t = -1,
    /// Set by the loop, and cleared by the call that finds nothing to do.
    readable: bool = false,
    writable: bool = false,
    /// The peer has sent all that it will.
    ended: bool = false,

    pub const WriteError = error{
        /// The connection has failed.
        Disconnected,
    };
    pub const ReadError = WriteError || error{
        /// The peer has sent all that it will, and all of it was read.
        Ended,
    };

    pub fn isOpen(channel: *const Channel) bool {
        return channel.fd != -1;
    }

    /// Starts to connect. Once the socket is writable, `isConnected` tells the outcome.
    pub fn connect(channel: *Channel, to: std.net.Address) error{Unreachable}!void {
        channel.fd = try socket.connect(to);
    }

    pub fn isConnected(channel: *const Channel) bool {
        return socket.connected(channel.fd);
    }

    /// Has the loop report the socket, beginning with what it is already ready
    /// for. What another loop has told before is forgotten.
    pub fn attach(channel: *Channel, loop: *loop_module.Loop, source: *loop_module.Source) !void {
        channel.readable = false;
        channel.writable = false;
        channel.ended = false;
        try loop.add(channel.fd, source, .read_write);
    }

    pub fn detach(channel: *const Channel, loop: *loop_module.Loop) void {
        loop.remove(channel.fd);
    }

    /// Takes in what the loop has told.
    pub fn notice(channel: *Channel, ready: loop_module.Ready) void {
        channel.readable = channel.readable or ready.readable;
        channel.writable = channel.writable or ready.writable;
        channel.ended = channel.ended or ready.ended;
    }

    /// Reads what there is; null: nothing, until the loop tells.
    pub fn read(channel: *Channel, buffer: []u8) ReadError!?usize {
        if (!channel.readable) return null;
        const length = socket.read(channel.fd, buffer) catch |failure| switch (failure) {
            error.WouldBlock => {
                channel.readable = false;
                return null;
            },
            error.Disconnected => return error.Disconnected,
        };
        if (length == 0) return error.Ended;
        // Less than was asked for is all there is, unless the end is there as
        // well: that isn't told again.
        if (length < buffer.len and !channel.ended) channel.readable = false;
        return length;
    }

    /// Writes what the socket takes; null: nothing, until the loop tells.
    pub fn write(channel: *Channel, octets: []const u8) WriteError!?usize {
        if (!channel.writable) return null;
        return socket.write(channel.fd, octets, .last) catch |failure| switch (failure) {
            error.WouldBlock => {
                channel.writable = false;
                return null;
            },
            error.Disconnected => return error.Disconnected,
        };
    }

    pub fn close(channel: *Channel) void {
        if (channel.fd != -1) posix.close(channel.fd);
        channel.fd = -1;
    }
};
