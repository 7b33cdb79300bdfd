//! A request as the application sees it: what was asked, memory that lasts until
//! it is answered, and the two things to do with it: read its body, answer it.

const std = @import("std");
const head_module = @import("head.zig");
const response_module = @import("response.zig");
const Connection = @import("connection.zig").Connection;

/// The application. Each request that it gets is answered exactly once, now or
/// later, unless its body is aborted before.
pub const Handler = struct {
    context: *anyopaque,
    handle: *const fn (context: *anyopaque, request: *Request) void,
};

/// Takes a body as it arrives, embedded in what it is for. Once the request is
/// answered nothing more is called.
pub const Sink = struct {
    /// The bytes are there during the call only.
    data: *const fn (*Sink, []const u8) void,
    /// The body is complete.
    end: *const fn (*Sink) void,
    /// The body will never be complete, and there is nobody to answer.
    abort: *const fn (*Sink) void,
};

/// Gathers a body in the memory of its request, embedded in what it is for.
pub const Collector = struct {
    sink: Sink = .{ .data = onData, .end = onEnd, .abort = onAbort },
    request: *Request,
    limit: usize,
    /// Called once, unless the body never ends.
    finished: *const fn (*Collector, Error![]const u8) void,
    bytes: std.ArrayListUnmanaged(u8) = .empty,

    pub const Error = error{ TooLarge, OutOfMemory };

    pub fn start(collector: *Collector) void {
        const length = collector.request.declaredLength();
        if (length > collector.limit) return collector.finished(collector, error.TooLarge);
        collector.bytes.ensureTotalCapacityPrecise(collector.request.allocator(), @intCast(length)) catch |failure|
            return collector.finished(collector, failure);
        collector.request.streamBody(&collector.sink);
    }

    fn onData(sink: *Sink, data: []const u8) void {
        const collector: *Collector = @fieldParentPtr("sink", sink);
        if (data.len > collector.limit - collector.bytes.items.len) return collector.finished(collector, error.TooLarge);
        collector.bytes.appendSlice(collector.request.allocator(), data) catch |failure|
            return collector.finished(collector, failure);
    }

    fn onEnd(sink: *Sink) void {
        const collector: *Collector = @fieldParentPtr("sink", sink);
        collector.finished(collector, collector.bytes.items);
    }

    /// Everything there is lies in the memory of the request, which goes with it.
    fn onAbort(_: *Sink) void {}
};

pub const Request = struct {
    head: head_module.Head = .{},
    arena: std.heap.ArenaAllocator,
    connection: *Connection,
    /// Set once the client sends nothing more, which most do when they leave.
    /// May be read on any thread.
    abandoned: std.atomic.Value(bool) = .init(false),

    /// Memory that is released once the request is finished.
    pub fn allocator(request: *Request) std.mem.Allocator {
        return request.arena.allocator();
    }

    /// How long the body is at least, as far as the head says so.
    pub fn declaredLength(request: *const Request) u64 {
        return switch (request.head.framing) {
            .length => |length| length,
            .chunked => 0,
        };
    }

    /// Sends the body to a sink as it arrives.
    pub fn streamBody(request: *Request, sink: *Sink) void {
        request.connection.readBody(sink);
    }

    /// Leaves the rest of the body unread, though the answer is yet to come.
    pub fn stopBody(request: *Request) void {
        request.connection.stopBody();
    }

    pub fn respond(request: *Request, response: response_module.Response) void {
        request.connection.respond(response);
    }

    /// Ends an abandoned request without an answer.
    pub fn drop(request: *Request) void {
        request.connection.drop();
    }
};
