//! What a client sends, in the order in which it is asked for: the head of a
//! request, its body, and the next head. Nothing here waits, or answers.

const std = @import("std");
const body_module = @import("body.zig");
const Channel = @import("../event/channel.zig").Channel;
const chunked = @import("chunked.zig");
const head_module = @import("head.zig");
const input_module = @import("input.zig");

pub const Incoming = struct {
    input: input_module.Input = .{},
    /// Of the body of the current request.
    remainder: body_module.Remainder = .{},

    pub const HeadError = Channel.ReadError || head_module.Error || error{ OutOfMemory, TooLong };
    pub const BodyError = Channel.ReadError || chunked.Error;

    pub fn deinit(incoming: *Incoming, allocator: std.mem.Allocator) void {
        incoming.input.deinit(allocator);
    }

    /// Whether all that was received is used up.
    pub fn isEmpty(incoming: *const Incoming) bool {
        return incoming.input.isEmpty();
    }

    /// Whether anything of the next head has come, an empty line included.
    pub fn hasBegun(incoming: *const Incoming) bool {
        return incoming.input.hasBegun();
    }

    /// The head of the next request, which stays until `release`; null if it has
    /// yet to arrive. What is refused for its length isn't read.
    pub fn nextHead(incoming: *Incoming, channel: *Channel, allocator: std.mem.Allocator) HeadError!?head_module.Head {
        const input = &incoming.input;
        while (true) {
            const length = try input.headLength() orelse {
                const count = try channel.read(try input.free(allocator)) orelse return null;
                input.received(count);
                continue;
            };
            const head = try head_module.parse(input.bytes()[0..length]);
            if (head.framing == .chunked and !input.hasRoomBehind(length)) {
                // Once the application has the head it can't be moved.
                try input.makeRoomBehind(length, allocator);
                continue;
            }
            input.keepHead(length);
            incoming.remainder = .init(head.framing);
            return head;
        }
    }

    /// The current request is done with, but for what is to come of its body.
    pub fn release(incoming: *Incoming) void {
        incoming.input.releaseHead();
    }

    /// The current request is done with, and the next one may come at any time.
    pub fn startOver(incoming: *Incoming, allocator: std.mem.Allocator) void {
        incoming.input.startOver(allocator);
    }

    /// The next octets of the body, which may be none; null if they have yet to
    /// arrive. `scratch` may be used for them.
    pub fn nextOfBody(incoming: *Incoming, channel: *Channel, scratch: []u8) BodyError!?[]const u8 {
        const input = &incoming.input;
        if (input.isEmpty()) {
            if (incoming.remainder.knownLength()) |length| {
                // Past the buffer, whose octets would have to be moved.
                const wanted: usize = @intCast(@min(length, scratch.len));
                const count = try channel.read(scratch[0..wanted]) orelse return null;
                return (try incoming.remainder.step(scratch[0..count])).data;
            }
            const count = try channel.read(input.freeBehindHead()) orelse return null;
            input.received(count);
        }
        const step = try incoming.remainder.step(input.bytes());
        input.consume(step.consumed);
        return step.data;
    }

    /// Passes over what has come of the body.
    pub fn dropReceived(incoming: *Incoming) chunked.Error!void {
        while (!incoming.remainder.isComplete() and !incoming.isEmpty()) {
            const step = try incoming.remainder.step(incoming.input.bytes());
            incoming.input.consume(step.consumed);
        }
    }
};
