//! Finds the address of a server. A literal address costs nothing; a name is
//! looked up on a thread of its own each time, since its address may change.

const std = @import("std");
const loop_module = @import("loop.zig");

pub const Host = union(enum) {
    literal: std.net.Address,
    name: struct { text: []const u8, port: u16 },

    pub fn init(text: []const u8, port: u16) Host {
        if (std.net.Address.parseIp(text, port)) |address| {
            return .{ .literal = address };
        } else |_| {
            return .{ .name = .{ .text = text, .port = port } };
        }
    }
};

/// One look-up, embedded in what waits for it.
pub const Lookup = struct {
    /// Posted to the loop when the outcome is there.
    task: loop_module.Task,
    loop: *loop_module.Loop,
    host: Host,
    outcome: ?std.net.Address = null,
    next: ?*Lookup = null,
};

/// The thread for names; it is started with the first of them.
pub const Resolver = struct {
    mutex: std.Thread.Mutex = .{},
    waiting: std.Thread.Condition = .{},
    first: ?*Lookup = null,
    started: bool = false,

    /// Queues a look-up of a name.
    pub fn submit(resolver: *Resolver, lookup: *Lookup) error{NoThread}!void {
        resolver.mutex.lock();
        defer resolver.mutex.unlock();
        if (!resolver.started) {
            const thread = std.Thread.spawn(.{ .stack_size = 1 << 20 }, run, .{resolver}) catch return error.NoThread;
            thread.detach();
            resolver.started = true;
        }
        lookup.next = resolver.first;
        resolver.first = lookup;
        resolver.waiting.signal();
    }

    fn run(resolver: *Resolver) noreturn {
        while (true) {
            const lookup = resolver.take();
            lookup.outcome = find(lookup.host);
            lookup.loop.post(&lookup.task);
        }
    }

    fn take(resolver: *Resolver) *Lookup {
        resolver.mutex.lock();
        defer resolver.mutex.unlock();
        while (resolver.first == null) resolver.waiting.wait(&resolver.mutex);
        const lookup = resolver.first.?;
        resolver.first = lookup.next;
        return lookup;
    }

    fn find(host: Host) ?std.net.Address {
        const name = switch (host) {
            .literal => |address| return address,
            .name => |name| name,
        };
        const list = std.net.getAddressList(std.heap.page_allocator, name.text, name.port) catch return null;
        defer list.deinit();
        // Servers that are named tend to listen on IPv4, be it alone or as well.
        for (list.addrs) |address| {
            if (address.any.family == std.posix.AF.INET) return address;
        }
        return if (list.addrs.len == 0) null else list.addrs[0];
    }
};
