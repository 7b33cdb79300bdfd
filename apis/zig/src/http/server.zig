//! The connections of one loop, and the listener that hands them out.

const std = @import("std");
const linux = std.os.linux;
const posix = std.posix;
const channel_module = @import("../event/channel.zig");
const Connection = @import("connection.zig").Connection;
const Handler = @import("request.zig").Handler;
const log = @import("../log.zig");
const loop_module = @import("../event/loop.zig");
const response_module = @import("response.zig");

pub const Server = struct {
    loop: *loop_module.Loop,
    allocator: std.mem.Allocator,
    handler: Handler,
    connections: loop_module.List = .{},
    /// Connections that were handed to this loop and not released yet.
    load: std.atomic.Value(usize) = .init(0),
    date: response_module.Date = .{},
    draining: bool = false,
    drain_task: loop_module.Task = .{ .run = onDrain },
    cut_off_task: loop_module.Task = .{ .run = onCutOff },

    /// Takes over a connection that was accepted. May be called on any thread.
    fn hand(server: *Server, fd: posix.fd_t) !void {
        const connection = try Connection.create(server, fd);
        _ = server.load.fetchAdd(1, .monotonic);
        server.loop.post(&connection.task);
    }

    /// Closes what is idle, and everything else after its answer. May be called
    /// on any thread, once.
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
        var next = server.connections.first;
        while (next) |node| {
            next = node.next; // the connection may be closed, though it isn't freed yet
            action(@fieldParentPtr("node", node));
        }
    }
};

/// Listens on an address. What is accepted inherits TCP_NODELAY.
pub fn listen(address: std.net.Address) !posix.fd_t {
    const kind = posix.SOCK.STREAM | posix.SOCK.CLOEXEC | posix.SOCK.NONBLOCK;
    const fd = try posix.socket(address.any.family, kind, posix.IPPROTO.TCP);
    errdefer posix.close(fd);
    // Else a restart would have to wait for the connections of the last process.
    try posix.setsockopt(fd, posix.SOL.SOCKET, posix.SO.REUSEADDR, std.mem.asBytes(&@as(i32, 1)));
    channel_module.setNoDelay(fd);
    try posix.bind(fd, &address.any, address.getOsSockLen());
    try posix.listen(fd, 4096);
    return fd;
}

/// Accepts connections on one loop and hands each to the loop that has fewest.
/// One listener, not one for each loop (SO_REUSEPORT): so few connections are
/// spread evenly, and none is lost in a queue when the process ends.
pub const Listener = struct {
    source: loop_module.Source = .{ .ready = onReady },
    timer: loop_module.Timer = .{ .expired = onRetry },
    stop_task: loop_module.Task = .{ .run = onStop },
    loop: *loop_module.Loop,
    servers: []Server,
    fd: ?posix.fd_t,
    /// Set once everything that had connected is handed out.
    stopped: std.Thread.ResetEvent = .{},

    /// How long a process without free descriptors waits for one.
    const retry_delay: loop_module.Delay = .ms_50;

    var limiter: log.Limiter = .{};

    /// Must be called before the loop runs.
    pub fn start(listener: *Listener) !void {
        try listener.loop.add(listener.fd.?, &listener.source);
    }

    /// Takes what has connected so far, closes the listener, and drains all
    /// servers. May be called on any thread, once.
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
            const result = linux.accept4(fd, null, null, linux.SOCK.CLOEXEC | linux.SOCK.NONBLOCK);
            switch (posix.errno(result)) {
                .SUCCESS => {
                    const client: posix.fd_t = @intCast(result);
                    listener.leastLoaded().hand(client) catch posix.close(client);
                },
                .AGAIN => return,
                .MFILE, .NFILE, .NOBUFS, .NOMEM => {
                    if (limiter.allows()) std.log.warn("no file descriptor is left for a connection", .{});
                    return listener.loop.startTimer(&listener.timer, retry_delay);
                },
                // The rest concerns the one connection that was taken, which is gone
                // (accept(2), "Error handling").
                else => {},
            }
        }
    }

    fn leastLoaded(listener: *Listener) *Server {
        var best = &listener.servers[0];
        for (listener.servers[1..]) |*server| {
            if (server.load.load(.monotonic) < best.load.load(.monotonic)) best = server;
        }
        return best;
    }
};
