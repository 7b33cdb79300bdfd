//! The body of a request on its way to whoever reads it.

const std = @import("std");
const chunked = @import("chunked.zig");
const head_module = @import("head.zig");
const Request = @import("request.zig").Request;

/// Takes a body as it arrives, embedded in what it is for. Once the request is
/// answered nothing more is called.
pub const Sink = struct {
    /// The octets are there during the call only.
    data: *const fn (*Sink, []const u8) void,
    /// The body is complete.
    end: *const fn (*Sink) void,
    /// The body will never be complete, and there is nobody to answer.
    abort: *const fn (*Sink) void,
};

/// What is still to come of a body.
pub const Remainder = struct {
    framing: Framing = .{ .length = 0 },

    const Framing = union(enum) { length: u64, chunked: chunked.Decoder };

    pub fn init(framing: head_module.Framing) Remainder {
        return .{ .framing = switch (framing) {
            .length => |length| .{ .length = length },
            .chunked => .{ .chunked = .{} },
        } };
    }

    pub fn isComplete(remainder: *const Remainder) bool {
        return switch (remainder.framing) {
            .length => |length| length == 0,
            .chunked => |decoder| decoder.isDone(),
        };
    }

    /// Octets to come, where that is known.
    pub fn knownLength(remainder: *const Remainder) ?u64 {
        return switch (remainder.framing) {
            .length => |length| length,
            .chunked => null,
        };
    }

    /// Takes up input, as `chunked.Decoder.step` does.
    pub fn step(remainder: *Remainder, input: []const u8) chunked.Error!chunked.Decoder.Step {
        switch (remainder.framing) {
            .length => |*length| {
                const count: usize = @intCast(@min(length.*, input.len));
                length.* -= count;
                return .{ .consumed = count, .data = input[0..count] };
            },
            .chunked => |*decoder| return decoder.step(input),
        }
    }
};

/// Gathers a body in the memory of its request, embedded in what it is for.
pub const Collector = struct {
    sink: Sink = .{ .data = onData, .end = onEnd, .abort = onAbort },
    request: *Request,
    limit: usize,
    /// Called once, unless the body never ends.
    finished: *const fn (*Collector, Outcome) void,
    octets: std.ArrayListUnmanaged(u8) = .empty,

    pub const Outcome = union(enum) { body: []const u8, too_large, out_of_memory };

    pub fn start(collector: *Collector) void {
        const request = collector.request;
        if (request.declaredLength()) |length| {
            if (length > collector.limit) return collector.finish(.too_large);
            collector.octets.ensureTotalCapacityPrecise(request.allocator(), @intCast(length)) catch
                return collector.finish(.out_of_memory);
        }
        request.streamBody(&collector.sink);
    }

    fn onData(sink: *Sink, data: []const u8) void {
        const collector: *Collector = @fieldParentPtr("sink", sink);
        if (data.len > collector.limit - collector.octets.items.len) return collector.finish(.too_large);
        collector.octets.appendSlice(collector.request.allocator(), data) catch collector.finish(.out_of_memory);
    }

    fn onEnd(sink: *Sink) void {
        const collector: *Collector = @fieldParentPtr("sink", sink);
        collector.finish(.{ .body = collector.octets.items });
    }

    /// All there is lies in the memory of the request, which goes with it.
    fn onAbort(_: *Sink) void {}

    fn finish(collector: *Collector, outcome: Outcome) void {
        collector.finished(collector, outcome);
    }
};
