//! A process that serves: a loop with a server for each CPU, the listener, and the
//! orderly end.

const std = @import("std");
const linux = std.os.linux;
const posix = std.posix;
const http = @import("http/server.zig");
const loop_module = @import("event/loop.zig");

/// Milliseconds for what is in flight when the end is asked for.
const drain_limit = 9_000;
/// Milliseconds for what is cut off then to clean up.
const cut_off_limit = 500;

pub const Service = struct {
    loops: []loop_module.Loop,
    servers: []http.Server,
    listener: http.Listener,
    signals: posix.fd_t,

    /// Must be called before other threads start. The handlers of the servers are
    /// filled in afterwards.
    pub fn init(service: *Service, allocator: std.mem.Allocator, address: std.net.Address) !void {
        const cpus = posix.CPU_COUNT(try posix.sched_getaffinity(0));
        service.* = .{
            .loops = try allocator.alloc(loop_module.Loop, cpus),
            .servers = try allocator.alloc(http.Server, cpus),
            .listener = undefined,
            .signals = try blockSignals(),
        };
        raiseDescriptorLimit();
        for (service.loops, service.servers, 0..) |*loop, *server, index| {
            try loop.init(index);
            server.* = .{ .loop = loop, .allocator = allocator, .handler = undefined };
        }
        service.listener = .{ .loop = &service.loops[0], .servers = service.servers, .fd = try http.listen(address) };
    }

    /// Serves until a signal, and until what is in flight then has ended. Ends the
    /// process itself: its threads go on, and use what belongs to the caller.
    pub fn run(service: *Service) !noreturn {
        try service.listener.start();
        for (service.loops) |*loop| {
            const thread = try std.Thread.spawn(.{ .stack_size = 1 << 20 }, loop_module.Loop.run, .{loop});
            thread.detach();
        }
        var information: linux.signalfd_siginfo = undefined;
        _ = try posix.read(service.signals, std.mem.asBytes(&information));
        service.listener.stop();
        service.awaitEnd(drain_limit);
        for (service.servers) |*server| server.cutOff();
        service.awaitEnd(cut_off_limit);
        std.process.exit(0);
    }

    /// Waits until there are no connections, for so many milliseconds at most.
    fn awaitEnd(service: *Service, limit: u64) void {
        const deadline = loop_module.monotonicMilliseconds() + limit;
        while (loop_module.monotonicMilliseconds() < deadline) {
            var connections: usize = if (service.listener.stopped.isSet()) 0 else 1;
            for (service.servers) |*server| connections += server.load.load(.acquire);
            if (connections == 0) return;
            std.time.sleep(5 * std.time.ns_per_ms);
        }
    }
};

/// Blocks the signals that end the process in all threads, and returns where they
/// are read.
fn blockSignals() !posix.fd_t {
    var set = posix.empty_sigset;
    linux.sigaddset(&set, posix.SIG.TERM);
    linux.sigaddset(&set, posix.SIG.INT);
    posix.sigprocmask(posix.SIG.BLOCK, &set, null);
    return posix.signalfd(-1, &set, linux.SFD.CLOEXEC);
}

/// Lets the process have as many descriptors as the system grants it.
fn raiseDescriptorLimit() void {
    var limit = posix.getrlimit(.NOFILE) catch return;
    limit.cur = limit.max;
    posix.setrlimit(.NOFILE, limit) catch {};
}
