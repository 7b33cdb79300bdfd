//! A pool of connections that all loops share. A connection belongs to one loop
//! at a time and is idle there, or busy; it goes to another loop when that one
//! needs it. So no loop waits while another has more than it needs, and on the
//! usual way nothing is shared but one short lock.

const std = @import("std");
const address = @import("../event/address.zig");
const connection_module = @import("connection.zig");
const loop_module = @import("../event/loop.zig");
const message = @import("message.zig");
const query_module = @import("query.zig");
const scram = @import("scram.zig");

const Connection = connection_module.Connection;
const Query = query_module.Query;

/// How long a statement waits for a connection, and a connection to be made.
pub const wait_limit: loop_module.Delay = .s_2;

/// Why there is no connection where PostgreSQL says nothing.
pub const too_slow = "PostgreSQL can't be reached in time";

/// Milliseconds by which another loop's longest wait must exceed the one of the
/// loop that has a connection to give. Below, the connection stays where it is,
/// which is much cheaper; so this is how unfair the pool may be. Where nobody
/// waits on that loop, the connection goes to whoever does.
const patience = 10;

pub const Settings = struct {
    host: address.Host,
    user: []const u8,
    password: []const u8,
    database: []const u8,
};

pub const Pool = struct {
    settings: Settings,
    allocator: std.mem.Allocator,
    keys: scram.KeyCache = .{},
    resolver: address.Resolver = .{},
    connections: []Connection,
    clients: []Client,

    /// Guards what follows, and all lists of the clients.
    mutex: std.Thread.Mutex = .{},
    /// Connections that are closed, and may be opened.
    closed: ?*Connection = null,
    /// Connections that are open to statements.
    alive: usize = 0,
    /// Connections that are being made.
    opening: usize = 0,
    /// Why the last connection that failed couldn't be made.
    failure: message.Text = .{},

    /// `connections` says how large the pool is; both slices are filled in. There
    /// is a client for each loop.
    pub fn init(
        pool: *Pool,
        settings: Settings,
        connections: []Connection,
        clients: []Client,
        loops: []loop_module.Loop,
        allocator: std.mem.Allocator,
    ) void {
        pool.* = .{ .settings = settings, .allocator = allocator, .connections = connections, .clients = clients };
        for (clients, loops) |*client, *loop| client.* = .{ .pool = pool, .loop = loop };
        for (connections) |*connection| {
            connection.* = .init(pool, &clients[0]);
            connection.next = pool.closed;
            pool.closed = connection;
        }
    }

    fn popClosed(pool: *Pool) ?*Connection {
        const connection = pool.closed orelse return null;
        pool.closed = connection.next;
        connection.next = null;
        return connection;
    }

    fn waiting(pool: *const Pool) usize {
        var count: usize = 0;
        for (pool.clients) |*client| count += client.waiters.length;
        return count;
    }

    /// Whom a connection of this client should serve next.
    fn nextWaiter(pool: *Pool, client: *Client) ?*Query {
        var best = client.waiters.first;
        for (pool.clients) |*other| {
            if (other == client) continue;
            const candidate = other.waiters.first orelse continue;
            const current = best orelse {
                best = candidate;
                continue;
            };
            const advantage: u64 = if (current.client == client) patience else 0;
            if (candidate.queued_at + advantage < current.queued_at) best = candidate;
        }
        return best;
    }
};

const Waiters = struct {
    first: ?*Query = null,
    last: ?*Query = null,
    length: usize = 0,

    fn append(waiters: *Waiters, query: *Query) void {
        query.previous = waiters.last;
        query.next = null;
        if (waiters.last) |last| last.next = query else waiters.first = query;
        waiters.last = query;
        waiters.length += 1;
        query.place = .queued;
    }

    fn remove(waiters: *Waiters, query: *Query) void {
        if (query.previous) |previous| previous.next = query.next else waiters.first = query.next;
        if (query.next) |next| next.previous = query.previous else waiters.last = query.previous;
        waiters.length -= 1;
        query.place = .nowhere;
    }
};

/// The pool as one loop uses it.
pub const Client = struct {
    pool: *Pool,
    loop: *loop_module.Loop,
    idle: ?*Connection = null,
    waiters: Waiters = .{},
    outage_task: loop_module.Task = .{ .run = onOutage },
    outage_posted: bool = false,

    /// Executes the query as soon as there is a connection. Its outcome may be
    /// there before this returns.
    pub fn execute(client: *Client, query: *Query) void {
        const pool = client.pool;
        query.client = client;
        pool.mutex.lock();
        if (client.takeIdle()) |connection| {
            pool.mutex.unlock();
            return connection.start(query);
        }
        query.queued_at = client.loop.now;
        client.waiters.append(query);
        client.loop.startTimer(&query.timer, wait_limit);
        const new = client.reserve();
        pool.mutex.unlock();
        if (new) |connection| connection.open();
    }

    /// Takes an idle connection, of this loop or else of another. Locked.
    fn takeIdle(client: *Client) ?*Connection {
        if (client.idle) |connection| {
            client.unlinkIdle(connection);
            return connection;
        }
        for (client.pool.clients) |*other| {
            const connection = other.idle orelse continue;
            other.unlinkIdle(connection);
            connection.leave(other);
            connection.owner.store(client, .release);
            return connection;
        }
        return null;
    }

    /// Takes a connection to be opened, unless enough are being made. Locked.
    fn reserve(client: *Client) ?*Connection {
        const pool = client.pool;
        if (pool.opening >= pool.waiting()) return null;
        const connection = pool.popClosed() orelse return null;
        pool.opening += 1;
        connection.owner.store(client, .release);
        return connection;
    }

    fn linkIdle(client: *Client, connection: *Connection) void {
        connection.is_idle = true;
        connection.previous = null;
        connection.next = client.idle;
        if (client.idle) |first| first.previous = connection;
        client.idle = connection;
    }

    fn unlinkIdle(client: *Client, connection: *Connection) void {
        connection.is_idle = false;
        if (connection.previous) |previous| previous.next = connection.next else client.idle = connection.next;
        if (connection.next) |next| next.previous = connection.previous;
        connection.previous = null;
        connection.next = null;
    }

    /// Closes the connections that are idle here.
    pub fn closeIdle(client: *Client) void {
        client.pool.mutex.lock();
        defer client.pool.mutex.unlock();
        while (client.idle) |connection| {
            client.unlinkIdle(connection);
            client.pool.alive -= 1;
            connection.close();
            connection.next = client.pool.closed;
            client.pool.closed = connection;
        }
    }

    /// Claims a connection about which the loop has news. False: it belongs to
    /// another loop by now.
    pub fn claim(client: *Client, connection: *Connection, was_idle: *bool) bool {
        client.pool.mutex.lock();
        defer client.pool.mutex.unlock();
        if (connection.owner.load(.acquire) != client) return false;
        was_idle.* = connection.is_idle;
        if (connection.is_idle) client.unlinkIdle(connection);
        return true;
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
        query.client.waiters.remove(query);
        if (query.client == client) {
            pool.mutex.unlock();
            client.loop.stopTimer(&query.timer);
            return connection.start(query);
        }
        query.place = .assigned;
        connection.leave(client);
        connection.query = query;
        connection.owner.store(query.client, .release);
        pool.mutex.unlock();
        query.client.loop.post(&connection.arrival);
    }

    /// A connection has ended. Those who wait are served by a new one.
    pub fn lost(client: *Client, connection: *Connection) void {
        const pool = client.pool;
        pool.mutex.lock();
        pool.alive -= 1;
        connection.next = pool.closed;
        pool.closed = connection;
        const new = client.reserve();
        pool.mutex.unlock();
        if (new) |reserved| reserved.open();
    }

    /// A connection could not be made. Who waits goes on waiting where there are
    /// others; else there is nothing to wait for.
    pub fn openFailed(client: *Client, connection: *Connection, failure: message.Text) void {
        const pool = client.pool;
        pool.mutex.lock();
        pool.opening -= 1;
        pool.failure = failure;
        connection.next = pool.closed;
        pool.closed = connection;
        const hopeless = pool.alive == 0 and pool.opening == 0;
        if (hopeless) {
            for (pool.clients) |*other| {
                if (other == client or other.waiters.length == 0 or other.outage_posted) continue;
                other.outage_posted = true;
                other.loop.post(&other.outage_task);
            }
        }
        pool.mutex.unlock();
        if (hopeless) client.failWaiters();
    }

    fn onOutage(task: *loop_module.Task) void {
        const client: *Client = @fieldParentPtr("outage_task", task);
        client.pool.mutex.lock();
        client.outage_posted = false;
        client.pool.mutex.unlock();
        client.failWaiters();
    }

    /// Fails those who wait now; who comes meanwhile has a try of their own.
    fn failWaiters(client: *Client) void {
        client.pool.mutex.lock();
        var count = client.waiters.length;
        const failure = client.pool.failure;
        client.pool.mutex.unlock();
        while (count > 0) : (count -= 1) {
            client.pool.mutex.lock();
            const query = client.waiters.first orelse return client.pool.mutex.unlock();
            client.waiters.remove(query);
            client.pool.mutex.unlock();
            client.loop.stopTimer(&query.timer);
            query.done(query, .{ .unavailable = failure });
        }
    }

    /// The timer of a query that waits for a connection.
    pub fn onWaitedTooLong(timer: *loop_module.Timer) void {
        const query: *Query = @fieldParentPtr("timer", timer);
        const client = query.client;
        client.pool.mutex.lock();
        const queued = query.place == .queued;
        if (queued) client.waiters.remove(query);
        const has_any = client.pool.alive != 0;
        client.pool.mutex.unlock();
        if (!queued) return; // a connection is on its way here
        query.done(query, .{ .unavailable = .of(if (has_any) "no connection of the pool became free" else too_slow) });
    }
};
