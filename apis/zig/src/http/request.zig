//! A request as the application sees it: what was asked, memory that lasts until
//! it is answered, and the two things to do with it: read its body, answer it.

const std = @import("std");
const body_module = @import("body.zig");
const head_module = @import("head.zig");
const response_module = @import("response.zig");
const Connection = @import("connection.zig").Connection;

/// The application. Each request that it is handed is answered exactly once,
/// unless its body is aborted before; it may be answered at any time.
pub const Handler = struct {
    context: *anyopaque,
    handle: *const fn (context: *anyopaque, request: *Request) void,
};

pub const Request = struct {
    head: head_module.Head = .empty,
    arena: std.heap.ArenaAllocator,
    connection: *Connection,
    /// Only where requests are logged.
    started: ?std.time.Instant = null,

    /// Memory that is released once the request is finished.
    pub fn allocator(request: *Request) std.mem.Allocator {
        return request.arena.allocator();
    }

    pub fn isHead(request: *const Request) bool {
        return std.mem.eql(u8, request.head.method, "HEAD");
    }

    /// How long the body is, where the client has told.
    pub fn declaredLength(request: *const Request) ?u64 {
        return switch (request.head.framing) {
            .length => |length| length,
            .chunked => null,
        };
    }

    /// Sends the body to a sink as it arrives.
    pub fn streamBody(request: *Request, sink: *body_module.Sink) void {
        request.connection.readBody(sink);
    }

    /// Leaves the rest of the body unread, though the answer is yet to come.
    pub fn stopBody(request: *Request) void {
        request.connection.stopBody();
    }

    pub fn respond(request: *Request, response: response_module.Response) void {
        request.connection.respond(response);
    }
};
