//! The connections of one loop, and the listener that hands them out.

const std = @import("std");
const posix = std.posix;
const Connection = @import("connection.zig").Connection;
const loop_module = @import("../event/loop.zig");
const log_module = @import("../log.zig");
const request_module = @import("request.zig");
const response_module = @import("response.zig");
const socket = @import("../event/socket.zig");

/// Counts the connections of all loops, so that the process can end when there
/// are none.
pub const Census = struct {
    mutex: std.Thread.Mutex = .{},
    changed: std.Thread.Condition = .{},
    connections: usize = 0,

    fn add(census: *Census) void {
        census.mutex.lock();
        defer census.mutex.unlock();
        census.connections += 1;
    }

    fn remove(census: *Census) void {
        census.mutex.lock();
        defer census.mutex.unlock();
        census.connections -= 1;
        if (census.connections == 0) census.changed.signal();
    }

    /// Waits until there are no connections; false if there still are some.
    pub fn awaitNone(census: *Census, milliseconds: u64) bool {
        const timer_start = std.time.Instant.now() catch return false;
        census.mutex.lock();
        defer census.mutex.unlock();
        while (census.connections != 0) {
            const now = std.time.Instant.now() catch return false;
            const left = (milliseconds * std.time.ns_per_ms) -| now.since(timer_start);
            if (left == 0) return false;
            census.changed.timedWait(&census.mutex, left) catch {};
        }
        return true;
    }
};

pub const Server = struct {
    loop: *loop_module.Loop,
    allocator: std.mem.Allocator,
    log: *log_module.Log,
    handler: request_module.Handler,
    census: *Census,
    connections: ?*Connection = null,
    /// Connections that were handed to this loop and not released yet.
    load: std.atomic.Value(usize) = .init(0),
    date: response_module.Date = .{},
    draining: bool = false,
    drain_task: loop_module.Task = .{ .run = onDrain },
    cut_off_task: loop_module.Task = .{ .run = onCutOff },

    /// Takes over a connection that was accepted, from any thread.
    fn hand(server: *Server, fd: posix.fd_t) !void {
        const connection = try Connection.create(server, fd);
        _ = server.load.fetchAdd(1, .monotonic);
        server.census.add();
        server.loop.post(&connection.task);
    }

    pub fn link(server: *Server, connection: *Connection) void {
        connection.next = server.connections;
        if (server.connections) |first| first.previous = connection;
        server.connections = connection;
    }

    pub fn unlink(server: *Server, connection: *Connection) void {
        if (connection.previous) |previous| previous.next = connection.next else server.connections = connection.next;
        if (connection.next) |next| next.previous = connection.previous;
    }

    pub fn released(server: *Server) void {
        _ = server.load.fetchSub(1, .monotonic);
        // With the last connection the process ends, be it before the turn does.
        if (server.draining) server.log.flush();
        server.census.remove();
    }

    /// Closes what is idle, and everything else behind its answer. May be
    /// called on any thread, once.
    pub fn drain(server: *Server) void {
        server.loop.post(&server.drain_task);
    }

    /// Closes everything. May be called on any thread, once.
    pub fn cutOff(server: *Server) void {
        server.loop.post(&server.cut_off_task);
    }

    fn onDrain(task: *loop_module.Task) void {
        const server: *Server = @fieldParentPtr("drain_task", task);
        server.draining = true;
        server.forEach(Connection.drain);
    }

    fn onCutOff(task: *loop_module.Task) void {
        const server: *Server = @fieldParentPtr("cut_off_task", task);
        server.forEach(Connection.cutOff);
    }

    fn forEach(server: *Server, comptime action: fn (*Connection) void) void {
        var next = server.connections;
        while (next) |connection| {
            next = connection.next; // the connection may be closed, though it isn't freed yet
            action(connection);
        }
    }

    /// Writes the line of a request that was answered, where that is wanted.
    pub fn logRequest(server: *Server, request: *const request_module.Request, status: u16) void {
        const started = request.started orelse return;
        const now = std.time.Instant.now() catch return;
        const milliseconds = @as(f64, @floatFromInt(now.since(started))) / std.time.ns_per_ms;
        server.log.write(.info, "request", .{
            .method = request.head.method,
            .path = request.head.path,
            .status = status,
            .duration_ms = milliseconds,
        });
    }
};

/// Accepts connections on one loop and hands each to the loop that has fewest.
pub const Listener = struct {
    source: loop_module.Source = .{ .ready = onReady },
    timer: loop_module.Timer = .{ .expired = onRetry },
    stop_task: loop_module.Task = .{ .run = onStop },
    loop: *loop_module.Loop,
    log: *log_module.Log,
    servers: []Server,
    fd: ?posix.fd_t,
    /// Set once all that had connected is handed out, and nothing is accepted.
    stopped: std.Thread.ResetEvent = .{},

    /// How long a process without free descriptors waits for one.
    const retry_delay: loop_module.Delay = .ms_50;

    /// Must be called before the loop runs.
    pub fn start(listener: *Listener) !void {
        try listener.loop.add(listener.fd.?, &listener.source, .read);
    }

    /// Takes what has connected so far, closes the listener, and has all
    /// servers drained. May be called on any thread, once.
    pub fn stop(listener: *Listener) void {
        listener.loop.post(&listener.stop_task);
    }

    fn onReady(source: *loop_module.Source, _: *loop_module.Loop, _: loop_module.Ready) void {
        const listener: *Listener = @fieldParentPtr("source", source);
        listener.acceptAll();
    }

    fn onRetry(timer: *loop_module.Timer) void {
        const listener: *Listener = @fieldParentPtr("timer", timer);
        listener.acceptAll();
    }

    fn onStop(task: *loop_module.Task) void {
        const listener: *Listener = @fieldParentPtr("stop_task", task);
        listener.acceptAll();
        listener.loop.stopTimer(&listener.timer);
        if (listener.fd) |fd| posix.close(fd);
        listener.fd = null;
        // Behind the connections that were handed out just now.
        for (listener.servers) |*server| server.drain();
        listener.stopped.set();
    }

    fn acceptAll(listener: *Listener) void {
        const fd = listener.fd orelse return;
        while (true) {
            const client = socket.accept(fd) catch |failure| {
                if (failure == error.Exhausted) {
                    listener.log.writeLimited(.descriptors, .warn, "no descriptor is left for a connection", .{});
                    listener.loop.startTimer(&listener.timer, retry_delay);
                }
                return;
            };
            listener.idlest().hand(client) catch posix.close(client);
        }
    }

    fn idlest(listener: *Listener) *Server {
        var best = &listener.servers[0];
        for (listener.servers[1..]) |*server| {
            if (server.load.load(.monotonic) < best.load.load(.monotonic)) best = server;
        }
        return best;
    }
};
