//! What a client sends, in the order in which it is asked for: the head of a
//! request, its body, the next head. Nothing here waits, or answers.

const std = @import("std");
const Channel = @import("../event/channel.zig").Channel;
const chunked = @import("chunked.zig");
const head_module = @import("head.zig");

const capacity = 16 << 10;
/// Bytes of a head. What is left of the buffer is for a chunked body.
const max_head = capacity - 2 * chunked.max_line;

/// What is still to come of a body.
const Body = union(enum) {
    length: u64,
    chunked: chunked.Decoder,
};

pub const Reader = struct {
    buffer: [capacity]u8 = undefined,
    /// The head of the current request, which stays where it is.
    head_end: usize = 0,
    /// What was received and isn't used yet.
    start: usize = 0,
    end: usize = 0,
    /// How much of that doesn't end a head.
    searched: usize = 0,
    body: Body = .{ .length = 0 },

    pub const HeadError = Channel.Error || head_module.Error || error{TooLong};
    pub const BodyError = Channel.Error || chunked.Error;

    /// Whether everything that was received is used.
    pub fn isEmpty(reader: *const Reader) bool {
        return reader.start == reader.end;
    }

    fn unread(reader: *const Reader) []const u8 {
        return reader.buffer[reader.start..reader.end];
    }

    /// Moves what isn't used yet.
    fn moveTo(reader: *Reader, position: usize) void {
        const content = reader.unread();
        std.mem.copyForwards(u8, reader.buffer[position..], content);
        reader.start = position;
        reader.end = position + content.len;
    }

    /// The head of the next request; null if it has yet to arrive. It is there
    /// until the next call.
    pub fn nextHead(reader: *Reader, channel: *Channel) HeadError!?head_module.Head {
        reader.moveTo(0);
        while (true) {
            const received = reader.unread();
            if (std.mem.indexOfPos(u8, received, reader.searched -| 3, "\r\n\r\n")) |position| {
                const length = position + 4;
                if (length > max_head) return error.TooLong;
                const head = try head_module.parse(received[0..length]);
                reader.start = length;
                reader.head_end = length;
                reader.searched = 0;
                reader.body = switch (head.framing) {
                    .length => |count| .{ .length = count },
                    .chunked => .{ .chunked = .{} },
                };
                return head;
            }
            reader.searched = received.len;
            if (received.len >= max_head) return error.TooLong;
            reader.end += try channel.read(reader.buffer[reader.end..]) orelse return null;
        }
    }

    /// Whether all of the body was read.
    pub fn isBodyComplete(reader: *const Reader) bool {
        return switch (reader.body) {
            .length => |length| length == 0,
            .chunked => |decoder| decoder.state == .done,
        };
    }

    /// The next bytes of the body, which may be none; null if they have yet to
    /// arrive. `scratch` may be used for them.
    pub fn nextOfBody(reader: *Reader, channel: *Channel, scratch: []u8) BodyError!?[]const u8 {
        switch (reader.body) {
            .length => |*left| {
                const wanted: usize = @intCast(@min(left.*, scratch.len));
                const received = reader.unread();
                // What the buffer doesn't have goes past it: nothing has to be moved.
                const data = if (received.len != 0)
                    received[0..@min(wanted, received.len)]
                else
                    scratch[0 .. try channel.read(scratch[0..wanted]) orelse return null];
                if (received.len != 0) reader.start += data.len;
                left.* -= data.len;
                return data;
            },
            .chunked => |*decoder| while (true) {
                if (try decoder.next(reader.unread())) |step| {
                    reader.start += step.consumed;
                    return step.data;
                }
                reader.moveTo(reader.head_end);
                reader.end += try channel.read(reader.buffer[reader.end..]) orelse return null;
            },
        }
    }
};
