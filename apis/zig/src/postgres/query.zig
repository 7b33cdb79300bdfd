//! A statement to be executed once, embedded in what waits for its outcome.

const std = @import("std");
const Client = @import("pool.zig").Client;
const Connection = @import("connection.zig").Connection;
const loop_module = @import("../event/loop.zig");
const message = @import("message.zig");

/// A statement that a connection prepares when it first executes it.
pub const Statement = struct {
    /// Distinguishes it from the others of the program.
    index: u5,
    sql: []const u8,
};

pub const Outcome = union(enum) {
    done: Result,
    /// PostgreSQL has refused the statement.
    refused: message.ServerError,
    /// The statement wasn't sent; says why.
    unavailable: message.Text,
    /// The statement was sent, and may have been executed or not; says why that
    /// isn't known.
    lost: message.Text,

    pub const Result = struct {
        /// Rows that were returned or changed.
        count: u64,
        rows: message.Rows,
    };
};

pub const max_parameters = 6;

pub const Query = struct {
    statement: *const Statement,
    /// What they refer to must last until the outcome is there.
    parameters: std.BoundedArray(message.Parameter, max_parameters),
    /// Called once. Rows are there during the call only.
    done: *const fn (*Query, Outcome) void,

    // The rest is the pool's.
    client: *Client = undefined,
    timer: loop_module.Timer = .{ .expired = Client.onTooLate },
    place: union(enum) { nowhere, queued, assigned, executing: *Connection } = .nowhere,
    /// On the clock of the loops.
    asked_at: u64 = 0,
    node: loop_module.List.Node = .{ .data = {} },
    rows: std.ArrayListUnmanaged(u8) = .empty,
    has_no_memory: bool = false,

    pub fn init(
        statement: *const Statement,
        parameters: []const message.Parameter,
        done: *const fn (*Query, Outcome) void,
    ) Query {
        return .{
            .statement = statement,
            .parameters = std.BoundedArray(message.Parameter, max_parameters).fromSlice(parameters) catch unreachable,
            .done = done,
        };
    }

    /// Keeps a row. One that there is no memory for makes the result incomplete.
    pub fn keep(query: *Query, row: []const u8) void {
        const client = query.client;
        if (query.rows.capacity == 0) std.mem.swap(@TypeOf(query.rows), &query.rows, &client.spare_rows);
        query.rows.appendSlice(client.pool.allocator, row) catch {
            query.has_no_memory = true;
        };
    }

    pub fn finish(query: *Query, outcome: Outcome) void {
        query.place = .nowhere;
        const client = query.client;
        client.loop.stopTimer(&query.timer);
        // The query may be gone after the call.
        const rows = query.rows;
        const incomplete = outcome == .done and query.has_no_memory;
        query.done(query, if (incomplete) .{ .lost = message.cut("no memory is left for the rows") } else outcome);
        client.recycle(rows);
    }
};
