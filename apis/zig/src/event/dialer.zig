//! Connects to a server, for the clients of PostgreSQL and Redis.

const std = @import("std");
const Channel = @import("channel.zig").Channel;
const loop_module = @import("loop.zig");

/// Where a server is. A name is looked up on a thread of its own, at the start
/// and whenever the server wasn't reached, since its address may change.
pub const Host = struct {
    name: []const u8,
    port: u16,
    mutex: std.Thread.Mutex = .{},
    address: ?std.net.Address = null,
    stale: std.Thread.ResetEvent = .{},

    pub fn init(host: *Host, name: []const u8, port: u16) std.Thread.SpawnError!void {
        host.* = .{ .name = name, .port = port, .address = std.net.Address.parseIp(name, port) catch null };
        if (host.address != null) return;
        const thread = try std.Thread.spawn(.{ .stack_size = 1 << 20 }, lookUp, .{host});
        thread.detach();
    }

    fn get(host: *Host) ?std.net.Address {
        host.mutex.lock();
        defer host.mutex.unlock();
        return host.address;
    }

    fn lookUp(host: *Host) noreturn {
        while (true) {
            const found = find(host.name, host.port);
            host.mutex.lock();
            host.address = found;
            host.mutex.unlock();
            host.stale.wait();
            host.stale.reset();
        }
    }

    fn find(name: []const u8, port: u16) ?std.net.Address {
        const list = std.net.getAddressList(std.heap.page_allocator, name, port) catch return null;
        defer list.deinit();
        // Servers that have a name usually listen on IPv4, alone or as well.
        for (list.addrs) |address| {
            if (address.any.family == std.posix.AF.INET) return address;
        }
        return if (list.addrs.len == 0) null else list.addrs[0];
    }
};

/// One attempt to connect, which includes what the client says before it is
/// ready. The timer reports every failure that the dialer sees: so a failure is
/// reported once, never within `start`, and not at all after `stop`.
pub const Dialer = struct {
    host: *Host,
    /// Called with the reason.
    failed: *const fn (*Dialer, []const u8) void,
    timer: loop_module.Timer = .{ .expired = onExpired },
    reason: []const u8 = "",

    pub fn start(
        dialer: *Dialer,
        loop: *loop_module.Loop,
        channel: *Channel,
        source: *loop_module.Source,
        limit: loop_module.Delay,
    ) void {
        dialer.reason = "it can't be reached in time";
        loop.startTimer(&dialer.timer, limit);
        dialer.connect(loop, channel, source) catch |failure| {
            dialer.reason = switch (failure) {
                error.NoAddress => "its host has no address",
                error.ConnectionRefused => refused_reason,
                else => unreachable_reason,
            };
            loop.startTimer(&dialer.timer, .none);
        };
    }

    fn connect(dialer: *Dialer, loop: *loop_module.Loop, channel: *Channel, source: *loop_module.Source) !void {
        try channel.connect(dialer.host.get() orelse return error.NoAddress);
        try channel.attach(loop, source);
    }

    /// The client is ready.
    pub fn stop(dialer: *Dialer, loop: *loop_module.Loop) void {
        loop.stopTimer(&dialer.timer);
    }

    /// The client has found out itself that it doesn't get ready.
    pub fn giveUp(dialer: *Dialer, loop: *loop_module.Loop) void {
        dialer.stop(loop);
        dialer.host.stale.set();
    }

    fn onExpired(timer: *loop_module.Timer) void {
        const dialer: *Dialer = @fieldParentPtr("timer", timer);
        dialer.failed(dialer, dialer.reason);
    }
};

pub const refused_reason = "connection refused";
pub const unreachable_reason = "it can't be reached";
