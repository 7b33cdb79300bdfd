//! A statement to be executed once, embedded in what waits for its outcome.

const std = @import("std");
const loop_module = @import("../event/loop.zig");
const message = @import("message.zig");
const Client = @import("pool.zig").Client;

/// A statement that connections prepare when they first execute it.
pub const Statement = struct {
    /// Among those of the pool.
    index: u5,
    sql: []const u8,
    columns: u16,
};

pub const Outcome = union(enum) {
    /// The number of rows that were returned or changed.
    done: u64,
    /// The server has refused the statement.
    failed: message.ServerError,
    /// The server can't be reached, or the connection has ended; says why.
    unavailable: message.Text,
    /// The server's answer is not of the protocol, or not of the statement.
    malformed,
    out_of_memory,
};

pub const max_parameters = 6;

pub const OnRow = *const fn (*Query, *message.Row) message.Error!void;
pub const OnDone = *const fn (*Query, Outcome) void;

pub const Query = struct {
    statement: *const Statement,
    /// What they refer to must last until the outcome is there.
    parameters: std.BoundedArray(message.Parameter, max_parameters) = .{},
    /// Called for each row, which is there during the call only.
    row: OnRow,
    /// Called once.
    done: OnDone,

    // What follows is the pool's.
    client: *Client = undefined,
    timer: loop_module.Timer = .{ .expired = Client.onWaitedTooLong },
    place: enum { nowhere, queued, assigned } = .nowhere,
    queued_at: u64 = 0,
    previous: ?*Query = null,
    next: ?*Query = null,

    pub fn init(
        statement: *const Statement,
        parameters: []const message.Parameter,
        row: OnRow,
        done: OnDone,
    ) Query {
        return .{
            .statement = statement,
            .parameters = std.BoundedArray(message.Parameter, max_parameters).fromSlice(parameters) catch unreachable,
            .row = row,
            .done = done,
        };
    }
};
