//! One connection to PostgreSQL: how it is made, and statements on it, one at a
//! time. A statement's messages go out together: Parse where the connection
//! hasn't prepared it yet, Bind, Execute and Sync.

const std = @import("std");
const dialer_module = @import("../event/dialer.zig");
const loop_module = @import("../event/loop.zig");
const message = @import("message.zig");
const pool_module = @import("pool.zig");
const query_module = @import("query.zig");
const scram = @import("scram.zig");
const Stream = @import("../event/stream.zig").Stream;

const Client = pool_module.Client;
const Pool = pool_module.Pool;
const Query = query_module.Query;

/// A migration has changed the columns of a prepared statement.
const stale_plan = "0A000";

pub const Connection = struct {
    pool: *Pool,
    /// Changed under the pool's lock, by the owner or, while it is idle, by another.
    owner: std.atomic.Value(*Client),
    is_idle: bool = false,
    node: loop_module.List.Node = .{ .data = {} },

    source: loop_module.Source = .{ .ready = onReady },
    /// Limits how long the connection takes until it is open.
    dialer: dialer_module.Dialer,
    /// Posted to the loop that the connection was given to.
    arrival: loop_module.Task = .{ .run = onArrived },
    state: enum { closed, connecting, starting, open } = .closed,
    /// Whether the loop of the owner reports this connection.
    attached: bool = false,
    stream: Stream = .{ .usual_size = 16 << 10 },
    exchange: scram.Exchange = undefined,
    authentication: enum { none, first_sent, proof_sent, server_verified, accepted, complete } = .none,
    /// A bit for each statement.
    prepared: u32 = 0,
    query: ?*Query = null,
    /// The query was prepared in the flight that is under way.
    prepares: bool = false,
    /// Of the query, once PostgreSQL is done with it.
    outcome: ?query_module.Outcome = null,
    affected: u64 = 0,
    failure: ?message.ServerError = null,

    const Error = message.Error || Stream.Error || scram.Error || error{ Refused, ConnectionRefused };

    pub fn init(pool: *Pool, owner: *Client) Connection {
        return .{
            .pool = pool,
            .owner = .init(owner),
            .dialer = .{ .host = pool.settings.host, .failed = onDialFailed },
        };
    }

    fn client(connection: *const Connection) *Client {
        return connection.owner.load(.acquire);
    }

    fn loop(connection: *const Connection) *loop_module.Loop {
        return connection.client().loop;
    }

    // Making the connection.

    /// Called by the client that reserved the connection.
    pub fn open(connection: *Connection) void {
        connection.state = .connecting;
        connection.attached = true;
        connection.failure = null;
        connection.dialer.start(connection.loop(), &connection.stream.channel, &connection.source, connection.pool.settings.limits.wait);
    }

    fn onDialFailed(dialer: *dialer_module.Dialer, reason: []const u8) void {
        const connection: *Connection = @fieldParentPtr("dialer", dialer);
        connection.end(reason);
    }

    fn startUp(connection: *Connection) Error!void {
        try connection.stream.channel.expectConnected();
        connection.state = .starting;
        connection.authentication = .none;
        const settings = &connection.pool.settings;
        try connection.writer().startup(settings.user, settings.database);
    }

    fn authenticate(connection: *Connection, payload: []const u8) Error!void {
        if (payload.len < 4) return error.Malformed;
        const data = payload[4..];
        switch (std.mem.readInt(u32, payload[0..4], .big)) {
            0 => {
                // A server that needs no password, or has shown that it knows it.
                if (connection.authentication != .none and connection.authentication != .server_verified) return error.Refused;
                connection.authentication = .accepted;
            },
            10 => {
                if (connection.authentication != .none or !scram.isOffered(data)) return error.Refused;
                connection.exchange = .init();
                try connection.writer().saslInitial(scram.mechanism, &connection.exchange.clientFirst());
                connection.authentication = .first_sent;
            },
            11 => {
                if (connection.authentication != .first_sent) return error.Malformed;
                const password = connection.pool.settings.password;
                const final = try connection.exchange.clientFinal(data, password, &connection.pool.keys);
                try connection.writer().saslResponse(final.slice());
                connection.authentication = .proof_sent;
            },
            12 => {
                if (connection.authentication != .proof_sent) return error.Malformed;
                try connection.exchange.verify(data);
                connection.authentication = .server_verified;
            },
            else => return error.Refused, // no other method is safe without TLS
        }
    }

    // Moving between loops.

    /// The pool takes the connection from a client. Called under its lock.
    pub fn leave(connection: *Connection, from: *Client) void {
        from.loop.remove(connection.stream.channel.fd);
        connection.attached = false;
    }

    fn onArrived(task: *loop_module.Task) void {
        const connection: *Connection = @fieldParentPtr("arrival", task);
        connection.start(connection.query.?);
    }

    // Executing statements.

    /// Executes a query on a connection that is open and free.
    pub fn start(connection: *Connection, query: *Query) void {
        connection.query = query;
        query.place = .{ .executing = connection };
        const limits = &connection.pool.settings.limits;
        const is_late = connection.loop().now - query.asked_at > limits.long_wait;
        connection.loop().startTimer(&query.timer, if (is_late) limits.late_statement else limits.statement);
        if (!connection.attached) {
            connection.stream.channel.attach(connection.loop(), &connection.source) catch return connection.fail(error.Disconnected);
            connection.attached = true;
        }
        connection.send(query, .first) catch |failure| return connection.fail(failure);
    }

    fn send(connection: *Connection, query: *Query, attempt: enum { first, again }) Error!void {
        const bit = @as(u32, 1) << query.statement.index;
        connection.affected = 0;
        connection.failure = null;
        // Its Close holds even if its Parse fails.
        if (attempt == .again) connection.prepared &= ~bit;
        connection.prepares = connection.prepared & bit == 0;
        const output = connection.writer();
        var name_buffer: [8]u8 = undefined;
        const name = std.fmt.bufPrint(&name_buffer, "s{d}", .{query.statement.index}) catch unreachable; // two digits at most
        if (attempt == .again) try output.close(name);
        if (connection.prepares) try output.parse(name, query.statement.sql);
        try output.bind(name, query.parameters.constSlice());
        try output.execute();
        try output.sync();
        // A socket that was empty takes it; if not, the loop reports when.
        connection.stream.channel.writable = true;
        try connection.stream.flush(connection.pool.allocator);
    }

    fn onReady(source: *loop_module.Source, on_loop: *loop_module.Loop, ready: loop_module.Ready) void {
        const connection: *Connection = @fieldParentPtr("source", source);
        const owner = &connection.pool.clients[on_loop.index];
        const was_idle = owner.claim(connection) orelse return;
        if (connection.state == .closed) return;
        connection.stream.channel.notice(ready);
        const released = connection.progress() catch |failure| return connection.fail(failure);
        // It had something to say, but nothing that matters.
        if (was_idle and !released) owner.release(connection, false);
    }

    /// Does everything that can be done. True: the connection was released.
    fn progress(connection: *Connection) Error!bool {
        const stream = &connection.stream;
        const allocator = connection.pool.allocator;
        if (connection.state == .connecting) {
            if (!stream.channel.writable) return false;
            try connection.startUp();
        }
        while (true) {
            while (try message.Message.next(stream.received())) |next| {
                stream.consume(next.length);
                try connection.take(next);
            }
            try stream.flush(allocator);
            if (!try stream.receive(allocator, message.announcedLength(stream.received()))) return connection.becomeFree();
        }
    }

    /// Gives a connection back that PostgreSQL is done with. Not before everything
    /// was read that it has sent: an end, or what it mustn't send, would be found in
    /// the middle of the next statement. True: the connection was released.
    fn becomeFree(connection: *Connection) bool {
        if (connection.state == .starting and connection.authentication == .complete) {
            connection.state = .open;
            connection.dialer.stop(connection.loop());
            connection.client().release(connection, true);
            return true;
        }
        const outcome = connection.outcome orelse return false;
        const query = connection.query.?;
        connection.query = null;
        connection.outcome = null;
        connection.client().release(connection, false);
        query.finish(outcome);
        return true;
    }

    fn writer(connection: *Connection) message.Writer {
        return .{ .buffer = &connection.stream.output, .allocator = connection.pool.allocator };
    }

    fn take(connection: *Connection, next: message.Message) Error!void {
        switch (next.tag) {
            'S', 'N', 'A' => {}, // may come at any time, and change nothing
            'E' => {
                connection.failure = try .parse(next.payload);
                if (!connection.isAnswering()) return error.Refused;
            },
            'R' => {
                if (connection.state != .starting) return error.Malformed;
                try connection.authenticate(next.payload);
            },
            'K' => if (connection.state != .starting) return error.Malformed,
            'Z' => try connection.takeReadiness(next.payload),
            else => try connection.takeResult(next),
        }
    }

    /// Whether there is a query that PostgreSQL isn't done with.
    fn isAnswering(connection: *const Connection) bool {
        return connection.query != null and connection.outcome == null;
    }

    fn takeResult(connection: *Connection, next: message.Message) Error!void {
        if (!connection.isAnswering()) return error.Malformed;
        const query = connection.query.?;
        switch (next.tag) {
            '1' => connection.prepared |= @as(u32, 1) << query.statement.index,
            '2', '3' => {},
            'D' => query.keep(next.payload),
            'C' => connection.affected = message.affectedRows(next.payload),
            else => return error.Malformed,
        }
    }

    fn takeReadiness(connection: *Connection, payload: []const u8) Error!void {
        if (connection.state == .starting) {
            if (connection.authentication != .accepted) return error.Malformed;
            connection.authentication = .complete;
            return;
        }
        if (!connection.isAnswering()) return error.Malformed;
        const query = connection.query.?;
        if (connection.failure) |failure| {
            connection.failure = null;
            const is_stale = std.mem.eql(u8, &failure.code, stale_plan) and !connection.prepares;
            // Outside of a transaction the statement can simply run again.
            if (is_stale and std.mem.eql(u8, payload, "I")) {
                query.rows.clearRetainingCapacity();
                return connection.send(query, .again);
            }
            connection.outcome = .{ .refused = failure };
        } else {
            connection.outcome = .{ .done = .{ .count = connection.affected, .rows = .{ .rest = query.rows.items } } };
        }
    }

    // The end.

    fn fail(connection: *Connection, failure: Error) void {
        connection.end(switch (failure) {
            error.Malformed => "it has sent what isn't of its protocol",
            error.Refused => "it asks for a way to authenticate that isn't supported",
            error.WrongServer => "it doesn't know the password itself",
            error.OutOfMemory => "no memory is left",
            error.ConnectionRefused => dialer_module.refused_reason,
            error.Disconnected => if (connection.state == .connecting) dialer_module.unreachable_reason else "it has ended the connection",
        });
    }

    /// Ends the connection. What PostgreSQL has said before counts.
    pub fn end(connection: *Connection, reason: []const u8) void {
        const owner = connection.client();
        const was_open = connection.state == .open;
        const query = connection.query;
        const cause = if (connection.failure) |failure| failure.text else message.cut(reason);
        const outcome: query_module.Outcome = connection.outcome orelse .{ .lost = cause };
        connection.dialer.giveUp(connection.loop());
        connection.reset();
        owner.closed(connection, was_open, cause);
        if (query) |waiting| waiting.finish(outcome);
    }

    /// Closes a connection that nothing waits for.
    pub fn close(connection: *Connection) void {
        connection.dialer.stop(connection.loop());
        connection.reset();
        connection.stream.deinit(connection.pool.allocator);
    }

    fn reset(connection: *Connection) void {
        connection.stream.close(connection.pool.allocator);
        connection.state = .closed;
        connection.attached = false;
        connection.query = null;
        connection.outcome = null;
        connection.prepared = 0;
    }
};
