//! A pool of connections that all loops share. A connection belongs to one loop
//! at a time and is idle there, or busy; it moves to another loop when that one
//! needs it. So no loop waits while another has more than it needs, and usually
//! nothing is shared but one short lock.

const std = @import("std");
const Connection = @import("connection.zig").Connection;
const Host = @import("../event/dialer.zig").Host;
const log = @import("../log.zig");
const loop_module = @import("../event/loop.zig");
const message = @import("message.zig");
const Query = @import("query.zig").Query;
const scram = @import("scram.zig");

const List = loop_module.List;

/// Milliseconds by which another loop's longest wait must exceed the one of the
/// loop that has a connection to give. Below, the connection stays where it is,
/// which is much cheaper. A connection that nobody waits for on its loop goes to
/// the one who has waited longest on the others.
const migration_threshold = 10;

/// Bytes of rows whose memory a loop keeps.
const max_spare_rows = 256 << 10;

pub const Settings = struct {
    host: *Host,
    user: []const u8,
    password: []const u8,
    database: []const u8,
    limits: Limits = .{},
};

/// The defaults give every statement an outcome within 3 s.
pub const Limits = struct {
    /// How long a statement waits for a connection, and a connection for PostgreSQL.
    wait: loop_module.Delay = .ms_1800,
    /// How long a statement may take once it is sent.
    statement: loop_module.Delay = .s_2,
    /// The same for one that has waited for more than `long_wait` milliseconds.
    late_statement: loop_module.Delay = .s_1,
    long_wait: u64 = 800,
    /// Milliseconds after a failure for which no further connection is made.
    retry_pause: u64 = 500,
};

pub const Pool = struct {
    settings: Settings,
    allocator: std.mem.Allocator,
    keys: scram.KeyCache = .{},
    connections: []Connection,
    /// One for each loop.
    clients: []Client,

    /// Guards the rest, and all lists of the clients.
    mutex: std.Thread.Mutex = .{},
    /// Connections that are closed, and may be opened.
    closed: List = .{},
    /// Connections that are open to statements.
    alive: usize = 0,
    /// Connections that are being made.
    opening: usize = 0,
    /// Why the last connection ended that did.
    failure: message.Text = .{},
    /// On the clock of the loops.
    retry_at: u64 = 0,

    pub fn init(
        pool: *Pool,
        allocator: std.mem.Allocator,
        settings: Settings,
        size: usize,
        loops: []loop_module.Loop,
    ) std.mem.Allocator.Error!void {
        pool.* = .{
            .settings = settings,
            .allocator = allocator,
            .connections = try allocator.alloc(Connection, size),
            .clients = try allocator.alloc(Client, loops.len),
        };
        for (pool.clients, loops) |*client, *loop| client.* = .{ .pool = pool, .loop = loop };
        for (pool.connections) |*connection| {
            connection.* = .init(pool, &pool.clients[0]);
            pool.closed.append(&connection.node);
        }
    }

    /// Closes all connections, and releases all memory. Nothing may be in flight.
    pub fn deinit(pool: *Pool) void {
        for (pool.connections) |*connection| connection.close();
        for (pool.clients) |*client| client.spare_rows.deinit(pool.allocator);
        pool.allocator.free(pool.connections);
        pool.allocator.free(pool.clients);
    }

    fn waiting(pool: *const Pool) usize {
        var count: usize = 0;
        for (pool.clients) |*client| count += client.waiters.len;
        return count;
    }

    /// Nothing can be executed, and nothing is being done about it at the moment.
    fn isDown(pool: *const Pool) bool {
        return pool.alive == 0 and pool.opening == 0;
    }

    /// Who is served next by a connection of this client.
    fn nextWaiter(pool: *Pool, client: *Client) ?*Query {
        var best = client.firstWaiter();
        for (pool.clients) |*other| {
            if (other == client) continue;
            const candidate = other.firstWaiter() orelse continue;
            const current = best orelse {
                best = candidate;
                continue;
            };
            const advantage: u64 = if (current.client == client) migration_threshold else 0;
            if (candidate.asked_at + advantage < current.asked_at) best = candidate;
        }
        return best;
    }
};

/// The pool as one loop uses it.
pub const Client = struct {
    pool: *Pool,
    loop: *loop_module.Loop,
    idle: List = .{},
    waiters: List = .{},
    outage_task: loop_module.Task = .{ .run = onOutage },
    outage_posted: bool = false,
    /// Memory for the rows of the next query.
    spare_rows: std.ArrayListUnmanaged(u8) = .empty,

    var limiter: log.Limiter = .{};

    /// Executes the query as soon as there is a connection. Its outcome may be
    /// there before this returns.
    pub fn execute(client: *Client, query: *Query) void {
        const pool = client.pool;
        query.client = client;
        query.asked_at = client.loop.now;
        pool.mutex.lock();
        if (client.takeIdle()) |connection| {
            pool.mutex.unlock();
            return connection.start(query);
        }
        query.place = .queued;
        client.waiters.append(&query.node);
        client.loop.startTimer(&query.timer, pool.settings.limits.wait);
        const new = client.reserve();
        const is_down = pool.isDown();
        pool.mutex.unlock();
        if (new) |connection| connection.open();
        if (is_down) client.failWaiters();
    }

    /// Keeps the memory of rows, unless it is as much as few queries need.
    pub fn recycle(client: *Client, rows: std.ArrayListUnmanaged(u8)) void {
        const is_better = rows.capacity > client.spare_rows.capacity and rows.capacity <= max_spare_rows;
        var useless = if (is_better) client.spare_rows else rows;
        useless.deinit(client.pool.allocator);
        if (is_better) client.spare_rows = rows;
        client.spare_rows.clearRetainingCapacity();
    }

    fn firstWaiter(client: *Client) ?*Query {
        const node = client.waiters.first orelse return null;
        return @fieldParentPtr("node", node);
    }

    fn removeWaiter(client: *Client, query: *Query) void {
        client.waiters.remove(&query.node);
        query.place = .nowhere;
    }

    /// Takes an idle connection, of this loop or else of another. Locked.
    fn takeIdle(client: *Client) ?*Connection {
        if (client.idle.last) |node| return client.unlinkIdle(@fieldParentPtr("node", node));
        for (client.pool.clients) |*other| {
            const node = other.idle.last orelse continue;
            const connection = other.unlinkIdle(@fieldParentPtr("node", node));
            connection.leave(other);
            connection.owner.store(client, .release);
            return connection;
        }
        return null;
    }

    fn linkIdle(client: *Client, connection: *Connection) void {
        connection.is_idle = true;
        client.idle.append(&connection.node);
    }

    fn unlinkIdle(client: *Client, connection: *Connection) *Connection {
        connection.is_idle = false;
        client.idle.remove(&connection.node);
        return connection;
    }

    /// Takes a connection to be opened, if that helps and may be tried. Locked.
    fn reserve(client: *Client) ?*Connection {
        const pool = client.pool;
        if (pool.opening >= pool.waiting() or client.loop.now < pool.retry_at) return null;
        const node = pool.closed.popFirst() orelse return null;
        const connection: *Connection = @fieldParentPtr("node", node);
        pool.opening += 1;
        connection.owner.store(client, .release);
        return connection;
    }

    /// Claims a connection about which the loop reports something, and returns
    /// whether it was idle. Null: it belongs to another loop by now.
    pub fn claim(client: *Client, connection: *Connection) ?bool {
        client.pool.mutex.lock();
        defer client.pool.mutex.unlock();
        if (connection.owner.load(.acquire) != client) return null;
        const was_idle = connection.is_idle;
        if (was_idle) _ = client.unlinkIdle(connection);
        return was_idle;
    }

    /// A connection has become free. It must not be touched any more: it may be
    /// another loop's.
    pub fn release(client: *Client, connection: *Connection, is_new: bool) void {
        const pool = client.pool;
        pool.mutex.lock();
        if (is_new) {
            pool.opening -= 1;
            pool.alive += 1;
        }
        const query = pool.nextWaiter(client) orelse {
            client.linkIdle(connection);
            return pool.mutex.unlock();
        };
        query.client.removeWaiter(query);
        if (query.client == client) {
            pool.mutex.unlock();
            return connection.start(query);
        }
        query.place = .assigned;
        connection.leave(client);
        connection.query = query;
        connection.owner.store(query.client, .release);
        pool.mutex.unlock();
        query.client.loop.post(&connection.arrival);
    }

    /// A connection has ended, or couldn't be made. Those who wait are served by a
    /// new one or by the others; without either, they fail.
    pub fn closed(client: *Client, connection: *Connection, was_open: bool, cause: message.Text) void {
        const pool = client.pool;
        pool.mutex.lock();
        if (was_open) {
            pool.alive -= 1;
        } else {
            pool.opening -= 1;
            pool.retry_at = client.loop.now + pool.settings.limits.retry_pause;
        }
        pool.failure = cause;
        pool.closed.append(&connection.node);
        const new = client.reserve();
        if (pool.isDown()) {
            for (pool.clients) |*other| {
                if (other.outage_posted or other.waiters.len == 0) continue;
                other.outage_posted = true;
                other.loop.post(&other.outage_task);
            }
        }
        pool.mutex.unlock();
        if (limiter.allows()) std.log.warn("PostgreSQL: {s}", .{cause.constSlice()});
        if (new) |reserved| reserved.open();
    }

    fn onOutage(task: *loop_module.Task) void {
        const client: *Client = @fieldParentPtr("outage_task", task);
        client.pool.mutex.lock();
        client.outage_posted = false;
        client.pool.mutex.unlock();
        client.failWaiters();
    }

    /// Fails those who wait now. Who comes meanwhile has another try.
    fn failWaiters(client: *Client) void {
        client.pool.mutex.lock();
        var failed = client.waiters;
        client.waiters = .{};
        const failure = client.pool.failure;
        client.pool.mutex.unlock();
        while (failed.popFirst()) |node| {
            const query: *Query = @fieldParentPtr("node", node);
            query.finish(.{ .unavailable = failure });
        }
    }

    /// The timer of a query: it has waited too long for a connection, or for the
    /// outcome.
    pub fn onTooLate(timer: *loop_module.Timer) void {
        const query: *Query = @fieldParentPtr("timer", timer);
        if (query.place == .executing) return query.place.executing.end("it hasn't answered in time");
        const client = query.client;
        client.pool.mutex.lock();
        const is_queued = query.place == .queued;
        if (is_queued) client.removeWaiter(query);
        const has_any = client.pool.alive != 0;
        client.pool.mutex.unlock();
        if (!is_queued) return; // a connection is on its way here
        query.finish(.{ .unavailable = message.cut(if (has_any) "no connection became free in time" else "it can't be reached in time") });
    }
};
