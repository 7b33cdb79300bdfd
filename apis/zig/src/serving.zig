//! Loops, a server on each of them, and the listener: from the start of the
//! process to its orderly end.

const std = @import("std");
const posix = std.posix;
const http = @import("http/server.zig");
const log_module = @import("log.zig");
const loop_module = @import("event/loop.zig");
const process = @import("process.zig");
const socket = @import("event/socket.zig");

/// Milliseconds for what is in flight when the end is asked for.
const drain_limit = 10_000;
/// Milliseconds for what is cut off then to clean up.
const cut_off_limit = 500;

/// Listens; where that fails, says why and returns null.
pub fn listen(address: std.net.Address, host: []const u8) ?posix.fd_t {
    return socket.listen(address) catch |failure| {
        const is_ipv6 = address.any.family == posix.AF.INET6;
        process.complain("cannot listen on {s}{s}{s}:{d}: {s}", .{
            if (is_ipv6) "[" else "", host, if (is_ipv6) "]" else "", address.getPort(), reason(failure),
        });
        return null;
    };
}

fn reason(failure: anyerror) []const u8 {
    return switch (failure) {
        error.AddressInUse => "address already in use",
        error.AddressNotAvailable => "address not available",
        error.AccessDenied => "permission denied",
        else => @errorName(failure),
    };
}

pub const Service = struct {
    loops: []loop_module.Loop,
    logs: []log_module.Log,
    servers: []http.Server,
    listener: http.Listener,
    census: http.Census,

    /// The handlers of the servers are filled in afterwards.
    pub fn init(service: *Service, allocator: std.mem.Allocator, cpus: usize, sink: *log_module.Sink, ears: posix.fd_t) !void {
        service.* = .{
            .loops = try allocator.alloc(loop_module.Loop, cpus),
            .logs = try allocator.alloc(log_module.Log, cpus),
            .servers = try allocator.alloc(http.Server, cpus),
            .listener = undefined,
            .census = .{},
        };
        for (service.loops, service.logs, service.servers, 0..) |*loop, *log, *server, index| {
            try loop.init(index);
            log.* = .{ .sink = sink, .loop = loop, .allocator = allocator };
            log.attach();
            server.* = .{ .loop = loop, .allocator = allocator, .log = log, .handler = undefined, .census = &service.census };
        }
        service.listener = .{ .loop = &service.loops[0], .log = &service.logs[0], .servers = service.servers, .fd = ears };
    }

    /// Serves until a signal, and until what is in flight then has ended. Ends the
    /// process itself: what the threads use lies with the caller, and they go on.
    pub fn run(service: *Service, signals: process.EndSignals) !noreturn {
        try service.listener.start();
        for (service.loops) |*loop| {
            const thread = try std.Thread.spawn(.{ .stack_size = 1 << 20 }, loop_module.Loop.run, .{loop});
            thread.detach();
        }
        signals.wait();
        service.listener.stop();
        // A loop that is held up mustn't hold up the end.
        const stopped = service.listener.stopped.timedWait(drain_limit * std.time.ns_per_ms);
        const drained = if (stopped) service.census.awaitNone(drain_limit) else |_| false;
        if (!drained) {
            for (service.servers) |*server| server.cutOff();
            _ = service.census.awaitNone(cut_off_limit);
        }
        std.process.exit(0);
    }
};
