//! One connection to PostgreSQL: how it is made, and statements on it, one at a
//! time. A statement's messages go out together: Parse where the connection
//! hasn't prepared it yet, Bind, Execute and Sync.

const std = @import("std");
const address = @import("../event/address.zig");
const loop_module = @import("../event/loop.zig");
const message = @import("message.zig");
const pool_module = @import("pool.zig");
const query_module = @import("query.zig");
const scram = @import("scram.zig");
const Stream = @import("../event/stream.zig").Stream;

const Client = pool_module.Client;
const Pool = pool_module.Pool;
const Query = query_module.Query;

const out_of_reach = "PostgreSQL can't be reached";

pub const Connection = struct {
    pool: *Pool,
    /// Changed under the pool's lock, by the owner or, while it is idle, by another.
    owner: std.atomic.Value(*Client),
    is_idle: bool = false,
    previous: ?*Connection = null,
    next: ?*Connection = null,

    source: loop_module.Source = .{ .ready = onReady },
    /// Bounds how long the connection takes to be made.
    timer: loop_module.Timer = .{ .expired = onTooSlow },
    /// Posted to the loop that the connection was given to.
    arrival: loop_module.Task = .{ .run = onArrived },
    /// Run where a connection failed at once.
    refusal: loop_module.Task = .{ .run = onRefused },
    lookup: address.Lookup = undefined,
    state: State = .closed,
    /// Whether the loop of the owner reports this connection.
    reported: bool = false,
    stream: Stream = .{ .usual_size = 16 << 10 },
    exchange: scram.Exchange = undefined,
    authentication: Authentication = .none,
    /// A bit for each statement.
    prepared: u32 = 0,
    query: ?*Query = null,
    /// Of the query, once PostgreSQL has told that it is done with it.
    outcome: ?query_module.Outcome = null,
    affected: u64 = 0,
    failure: ?message.ServerError = null,

    const State = enum { closed, resolving, connecting, starting, open };

    const Authentication = enum { none, first_sent, proof_sent, server_verified, accepted, complete };

    const Error = message.Error || Stream.Error || scram.Error || error{Refused};

    pub fn init(pool: *Pool, owner: *Client) Connection {
        return .{ .pool = pool, .owner = .init(owner) };
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
        connection.failure = null;
        connection.loop().startTimer(&connection.timer, pool_module.wait_limit);
        connection.lookup = .{
            .task = .{ .run = onResolved },
            .loop = connection.loop(),
            .host = connection.pool.settings.host,
        };
        switch (connection.pool.settings.host) {
            .literal => |literal| connection.connect(literal),
            .name => {
                connection.state = .resolving;
                connection.pool.resolver.submit(&connection.lookup) catch connection.refuse();
            },
        }
    }

    fn onResolved(task: *loop_module.Task) void {
        const lookup: *address.Lookup = @fieldParentPtr("task", task);
        const connection: *Connection = @fieldParentPtr("lookup", lookup);
        // Given up already, if it took too long; that was put off until now.
        if (!connection.timer.isRunning()) return connection.giveUp(pool_module.too_slow);
        const found = lookup.outcome orelse return connection.giveUp("the host of PostgreSQL has no address");
        connection.connect(found);
    }

    fn connect(connection: *Connection, to: std.net.Address) void {
        connection.stream.channel.connect(to) catch return connection.refuse();
        connection.state = .connecting;
        connection.arrive() catch connection.refuse();
    }

    /// Fails, but not within the call that asks for the connection.
    fn refuse(connection: *Connection) void {
        connection.state = .connecting;
        connection.loop().later(&connection.refusal);
    }

    fn onRefused(task: *loop_module.Task) void {
        const connection: *Connection = @fieldParentPtr("refusal", task);
        connection.giveUp(out_of_reach);
    }

    fn onTooSlow(timer: *loop_module.Timer) void {
        const connection: *Connection = @fieldParentPtr("timer", timer);
        // A look-up can't be stopped: see onResolved.
        if (connection.state != .resolving) connection.giveUp(pool_module.too_slow);
    }

    fn giveUp(connection: *Connection, reason: []const u8) void {
        const owner = connection.client();
        connection.reset();
        // Where PostgreSQL has said why, that tells more.
        const told: message.Text = if (connection.failure) |failure| failure.message else .{};
        owner.openFailed(connection, if (told.length != 0) told else .of(reason));
    }

    fn startUp(connection: *Connection) Error!void {
        if (!connection.stream.channel.isConnected()) return error.Disconnected;
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
                const complete = connection.authentication == .none or connection.authentication == .server_verified;
                if (!complete) return error.Refused;
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

    fn arrive(connection: *Connection) !void {
        try connection.stream.channel.attach(connection.loop(), &connection.source);
        connection.reported = true;
    }

    /// The pool takes the connection from a client. Called under its lock.
    pub fn leave(connection: *Connection, from: *Client) void {
        connection.stream.channel.detach(from.loop);
        connection.reported = false;
    }

    fn onArrived(task: *loop_module.Task) void {
        const connection: *Connection = @fieldParentPtr("arrival", task);
        const query = connection.query.?;
        connection.query = null;
        connection.loop().stopTimer(&query.timer);
        connection.start(query);
    }

    // Executing statements.

    /// Executes a query on a connection that is open and free.
    pub fn start(connection: *Connection, query: *Query) void {
        connection.query = query;
        connection.affected = 0;
        connection.failure = null;
        if (!connection.reported) connection.arrive() catch return connection.end("the loop takes no more descriptors");
        connection.send(query) catch return connection.fail(error.OutOfMemory);
        // A socket that was empty takes it; where not, the loop tells when.
        connection.stream.channel.writable = true;
        connection.stream.flush(connection.pool.allocator) catch |failure| return connection.fail(failure);
    }

    fn send(connection: *Connection, query: *const Query) !void {
        const output = connection.writer();
        var name_buffer: [8]u8 = undefined;
        const name = std.fmt.bufPrint(&name_buffer, "s{d}", .{query.statement.index}) catch unreachable;
        if (!connection.isPrepared(query.statement)) try output.parse(name, query.statement.sql);
        try output.bind(name, query.parameters.constSlice());
        try output.execute();
        try output.sync();
    }

    fn isPrepared(connection: *const Connection, statement: *const query_module.Statement) bool {
        return connection.prepared >> statement.index & 1 != 0;
    }

    fn onReady(source: *loop_module.Source, on_loop: *loop_module.Loop, ready: loop_module.Ready) void {
        const connection: *Connection = @fieldParentPtr("source", source);
        const owner = &connection.pool.clients[on_loop.index];
        var was_idle = false;
        if (!owner.claim(connection, &was_idle) or connection.state == .closed) return;
        connection.stream.channel.notice(ready);
        const freed = connection.progress() catch |failure| return connection.fail(failure);
        // It had something to say, but nothing that matters.
        if (was_idle and !freed) owner.release(connection, false);
    }

    /// Does all that can be done. True: the connection was released.
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

    /// Gives a connection back that PostgreSQL is done with. Not before all was
    /// read that it has sent: an end, or what it mustn't send, would be found in
    /// the middle of the next statement. True: the connection was released.
    fn becomeFree(connection: *Connection) bool {
        if (connection.state == .starting and connection.authentication == .complete) {
            connection.state = .open;
            connection.loop().stopTimer(&connection.timer);
            connection.client().release(connection, true);
            return true;
        }
        const outcome = connection.outcome orelse return false;
        const query = connection.query.?;
        connection.query = null;
        connection.outcome = null;
        connection.client().release(connection, false);
        query.done(query, outcome);
        return true;
    }

    fn writer(connection: *Connection) message.Writer {
        return .{ .buffer = &connection.stream.output, .allocator = connection.pool.allocator };
    }

    /// Handles a message.
    fn take(connection: *Connection, next: message.Message) Error!void {
        switch (next.tag) {
            'S', 'N', 'A' => {}, // may come at any time, and change nothing
            'E' => {
                connection.failure = try .parse(next.payload);
                if (connection.state == .starting or !connection.isAnswering()) return error.Refused;
            },
            'R' => {
                if (connection.state != .starting) return error.Malformed;
                try connection.authenticate(next.payload);
            },
            'K' => if (connection.state != .starting) return error.Malformed,
            'Z' => try connection.takeReadiness(),
            else => try connection.takeResult(next),
        }
    }

    /// Whether there is a query whose outcome PostgreSQL has yet to tell.
    fn isAnswering(connection: *const Connection) bool {
        return connection.query != null and connection.outcome == null;
    }

    fn takeResult(connection: *Connection, next: message.Message) Error!void {
        if (!connection.isAnswering()) return error.Malformed;
        const query = connection.query.?;
        switch (next.tag) {
            '1' => connection.prepared |= @as(u32, 1) << query.statement.index,
            '2' => {},
            'D' => {
                var row: message.Row = try .init(next.payload, query.statement.columns);
                try query.row(query, &row);
            },
            'C' => connection.affected = message.affectedRows(next.payload),
            else => return error.Malformed,
        }
    }

    fn takeReadiness(connection: *Connection) Error!void {
        if (connection.state == .starting) {
            if (connection.authentication != .accepted) return error.Malformed;
            connection.authentication = .complete;
            return;
        }
        if (!connection.isAnswering()) return error.Malformed;
        connection.outcome = if (connection.failure) |failure|
            if (failure.isOutage()) .{ .unavailable = .of("PostgreSQL refuses to serve") } else .{ .failed = failure }
        else
            .{ .done = connection.affected };
    }

    // The end.

    fn fail(connection: *Connection, failure: Error) void {
        const reason = connection.describe(failure);
        if (connection.state == .connecting or connection.state == .starting) return connection.giveUp(reason);
        switch (failure) {
            error.OutOfMemory => connection.endWith(.out_of_memory),
            error.Malformed => connection.endWith(.malformed),
            else => connection.end(reason),
        }
    }

    fn describe(connection: *const Connection, failure: Error) []const u8 {
        return switch (failure) {
            error.Malformed => "PostgreSQL has sent what is not of its protocol",
            error.Refused => "PostgreSQL asks for another way to authenticate",
            error.WrongServer => "PostgreSQL doesn't know the password",
            error.OutOfMemory => "no memory is left",
            else => if (connection.state == .connecting) out_of_reach else "PostgreSQL has ended the connection",
        };
    }

    fn end(connection: *Connection, reason: []const u8) void {
        connection.endWith(.{ .unavailable = .of(reason) });
    }

    fn endWith(connection: *Connection, failure: query_module.Outcome) void {
        const owner = connection.client();
        const query = connection.query;
        // What PostgreSQL has told before holds.
        const outcome = connection.outcome orelse failure;
        connection.reset();
        owner.lost(connection);
        if (query) |waiting| waiting.done(waiting, outcome);
    }

    /// Closes a connection that nothing waits for.
    pub fn close(connection: *Connection) void {
        connection.reset();
        connection.stream.deinit(connection.pool.allocator);
    }

    fn reset(connection: *Connection) void {
        connection.loop().stopTimer(&connection.timer);
        connection.stream.close(connection.pool.allocator);
        connection.state = .closed;
        connection.reported = false;
        connection.query = null;
        connection.outcome = null;
        connection.prepared = 0;
    }
};
