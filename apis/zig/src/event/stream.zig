//! The connection of a client that talks in messages: a channel, what was
//! received and isn't used yet, and what is still to be sent.

const std = @import("std");
const Channel = @import("channel.zig").Channel;

pub const Stream = struct {
    channel: Channel = .{},
    /// Bytes of either buffer, unless a message needs more. Neither keeps what
    /// one large message has needed.
    usual_size: usize,
    input: []u8 = &.{},
    input_start: usize = 0,
    input_end: usize = 0,
    /// What is appended here is sent by the next flush.
    output: std.ArrayListUnmanaged(u8) = .empty,
    output_sent: usize = 0,

    pub const Error = Channel.Error || error{OutOfMemory};

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

    /// What was received and isn't used yet. It stays where it is until more is
    /// received.
    pub fn received(stream: *const Stream) []const u8 {
        return stream.input[stream.input_start..stream.input_end];
    }

    pub fn consume(stream: *Stream, length: usize) void {
        stream.input_start += length;
    }

    /// Reads what has arrived. False: nothing. What was received so far must be
    /// the beginning of one message; `announced` is its length, if known.
    pub fn receive(stream: *Stream, allocator: std.mem.Allocator, announced: usize) Error!bool {
        if (!stream.channel.readable) return false;
        try stream.makeRoom(allocator, announced);
        const length = try stream.channel.read(stream.input[stream.input_end..]) orelse return false;
        stream.input_end += length;
        return true;
    }

    /// Makes room for the message that is being received. A buffer that has
    /// grown for one message ends where it does: nothing behind it has to be
    /// moved when the buffer shrinks again.
    fn makeRoom(stream: *Stream, allocator: std.mem.Allocator, announced: usize) error{OutOfMemory}!void {
        const content = stream.received();
        const wanted = @max(stream.usual_size, announced);
        std.debug.assert(content.len < wanted); // else there would be nothing to wait for
        if (wanted != stream.input.len) {
            const buffer = try allocator.alloc(u8, wanted);
            @memcpy(buffer[0..content.len], content);
            allocator.free(stream.input);
            stream.input = buffer;
        } else {
            std.mem.copyForwards(u8, stream.input[0..content.len], content);
        }
        stream.input_start = 0;
        stream.input_end = content.len;
    }

    /// Sends as much of the output as the socket takes.
    pub fn flush(stream: *Stream, allocator: std.mem.Allocator) Channel.Error!void {
        const output = &stream.output;
        while (stream.output_sent < output.items.len) {
            if (!stream.channel.writable) return;
            stream.output_sent += try stream.channel.write(output.items[stream.output_sent..], "", false) orelse return;
        }
        stream.output_sent = 0;
        if (output.capacity > stream.usual_size) output.clearAndFree(allocator) else output.clearRetainingCapacity();
    }
};
