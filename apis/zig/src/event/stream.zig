//! The connection of a client that talks in messages: a channel, with what was
//! received of them and not yet used up, and with what is still to be sent.

const std = @import("std");
const Channel = @import("channel.zig").Channel;

pub const Stream = struct {
    channel: Channel = .{},
    /// Octets that the input's buffer has, unless a message needs more, and that
    /// the output's may keep. Neither keeps what one large message has needed.
    usual_size: usize,
    input: []u8 = &.{},
    input_start: usize = 0,
    input_end: usize = 0,
    /// What is appended here is sent by the next flush.
    output: std.ArrayListUnmanaged(u8) = .empty,
    output_sent: usize = 0,

    pub const Error = Channel.ReadError || error{OutOfMemory};

    /// Releases all memory, and closes the socket if there is one.
    pub fn deinit(stream: *Stream, allocator: std.mem.Allocator) void {
        stream.close(allocator);
        allocator.free(stream.input);
        stream.input = &.{};
    }

    /// Closes the socket, and drops what was received and what isn't sent. The
    /// input's buffer stays for the next connection.
    pub fn close(stream: *Stream, allocator: std.mem.Allocator) void {
        stream.channel.close();
        stream.input_start = 0;
        stream.input_end = 0;
        stream.output_sent = 0;
        stream.output.clearAndFree(allocator);
    }

    /// What was received and not yet used up. It stays where it is until more is
    /// received.
    pub fn received(stream: *const Stream) []const u8 {
        return stream.input[stream.input_start..stream.input_end];
    }

    pub fn consume(stream: *Stream, length: usize) void {
        stream.input_start += length;
    }

    /// Reads what is there. False: nothing. What was received may be the
    /// beginning of one message, and no more; `announced` says how long that one
    /// is, as far as it has told.
    pub fn receive(stream: *Stream, allocator: std.mem.Allocator, announced: usize) Error!bool {
        if (!stream.channel.readable) return false;
        try stream.makeRoom(allocator, announced);
        const length = try stream.channel.read(stream.input[stream.input_end..]) orelse return false;
        stream.input_end += length;
        return true;
    }

    /// Makes room for the message that is being received. A buffer that has
    /// grown for one ends where it does: behind it there is nothing to be moved
    /// when the buffer shrinks again.
    fn makeRoom(stream: *Stream, allocator: std.mem.Allocator, announced: usize) error{OutOfMemory}!void {
        const content = stream.received();
        const wanted = @max(stream.usual_size, announced);
        std.debug.assert(content.len < wanted); // else there would be nothing to wait for
        if (wanted != stream.input.len) {
            const buffer = try allocator.alloc(u8, wanted);
            @memcpy(buffer[0..content.len], content);
            allocator.free(stream.input);
            stream.input = buffer;
        } else if (stream.input_start != 0) {
            std.mem.copyForwards(u8, stream.input[0..content.len], content);
        }
        stream.input_start = 0;
        stream.input_end = content.len;
    }

    /// Sends as much of the output as the socket takes.
    pub fn flush(stream: *Stream, allocator: std.mem.Allocator) Channel.WriteError!void {
        const output = &stream.output;
        while (stream.output_sent < output.items.len) {
            stream.output_sent += try stream.channel.write(output.items[stream.output_sent..]) orelse return;
        }
        stream.output_sent = 0;
        if (output.capacity > stream.usual_size) output.clearAndFree(allocator) else output.clearRetainingCapacity();
    }
};
