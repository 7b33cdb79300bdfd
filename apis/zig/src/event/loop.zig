//! An event loop: one thread, one epoll instance, and everything that belongs to
//! its sockets. All but `post` and `remove` is for the loop's own thread.

const std = @import("std");
const linux = std.os.linux;
const posix = std.posix;
const timers_module = @import("timers.zig");

pub const Delay = timers_module.Delay;
pub const List = timers_module.List;
pub const Timer = timers_module.Timer;

/// What a file descriptor is ready for.
pub const Ready = struct {
    readable: bool,
    writable: bool,
    /// The peer sends nothing more, or the connection failed.
    ended: bool,
};

/// The owner of a file descriptor in the loop, embedded in what it is part of.
pub const Source = struct {
    ready: *const fn (*Source, *Loop, Ready) void,
};

/// Something to run later, embedded in what it is about. It must not be queued twice.
pub const Task = struct {
    run: *const fn (*Task) void,
    node: List.Node = .{ .data = {} },
};

const events_at_once = 256;

pub const Loop = struct {
    index: usize,
    epoll: posix.fd_t,
    wakeup: posix.fd_t,
    timers: timers_module.Timers = .{},
    /// Milliseconds of a steady clock, read once in each turn.
    now: u64,
    /// Run at the end of the turn, when no event of it is left: what was queued
    /// there may free the memory that events refer to.
    later_tasks: List = .{},
    mutex: std.Thread.Mutex = .{},
    posted_tasks: List = .{},
    /// For reading what is used up at once.
    scratch: [64 << 10]u8 = undefined,

    pub fn init(loop: *Loop, index: usize) !void {
        const epoll = try posix.epoll_create1(linux.EPOLL.CLOEXEC);
        errdefer posix.close(epoll);
        const wakeup = try posix.eventfd(0, linux.EFD.CLOEXEC | linux.EFD.NONBLOCK);
        errdefer posix.close(wakeup);
        var event: linux.epoll_event = .{ .events = linux.EPOLL.IN | linux.EPOLL.ET, .data = .{ .ptr = 0 } };
        try posix.epoll_ctl(epoll, linux.EPOLL.CTL_ADD, wakeup, &event);
        loop.* = .{ .index = index, .epoll = epoll, .wakeup = wakeup, .now = monotonicMilliseconds() };
    }

    pub fn deinit(loop: *Loop) void {
        posix.close(loop.wakeup);
        posix.close(loop.epoll);
    }

    /// Registers a descriptor, edge-triggered: it must be read or written until
    /// the call would block before it is reported again.
    pub fn add(loop: *Loop, fd: posix.fd_t, source: *Source) !void {
        try loop.register(linux.EPOLL.CTL_ADD, fd, source);
    }

    /// Reports a registered descriptor once more, after the others that are
    /// ready, for an owner that stopped before the call would block.
    pub fn again(loop: *Loop, fd: posix.fd_t, source: *Source) !void {
        try loop.register(linux.EPOLL.CTL_MOD, fd, source);
    }

    fn register(loop: *Loop, operation: u32, fd: posix.fd_t, source: *Source) !void {
        var event: linux.epoll_event = .{
            .events = linux.EPOLL.IN | linux.EPOLL.OUT | linux.EPOLL.RDHUP | linux.EPOLL.ET,
            .data = .{ .ptr = @intFromPtr(source) },
        };
        try posix.epoll_ctl(loop.epoll, operation, fd, &event);
    }

    /// Takes a descriptor out of the loop without closing it. An event that was
    /// fetched before may still be handled.
    pub fn remove(loop: *Loop, fd: posix.fd_t) void {
        posix.epoll_ctl(loop.epoll, linux.EPOLL.CTL_DEL, fd, null) catch {};
    }

    pub fn startTimer(loop: *Loop, timer: *Timer, delay: Delay) void {
        loop.timers.start(timer, delay, loop.now);
    }

    pub fn stopTimer(loop: *Loop, timer: *Timer) void {
        loop.timers.stop(timer);
    }

    /// Runs the task at the end of this turn.
    pub fn later(loop: *Loop, task: *Task) void {
        loop.later_tasks.append(&task.node);
    }

    /// Runs the task on the loop's thread, soon. May be called on any thread.
    pub fn post(loop: *Loop, task: *Task) void {
        loop.mutex.lock();
        const was_empty = loop.posted_tasks.first == null;
        loop.posted_tasks.append(&task.node);
        loop.mutex.unlock();
        // Only a counter near 2⁶⁴ could make this fail.
        if (was_empty) _ = posix.write(loop.wakeup, std.mem.asBytes(&@as(u64, 1))) catch {};
    }

    /// Never returns: the process ends while its loops run.
    pub fn run(loop: *Loop) noreturn {
        while (true) loop.turn();
    }

    /// Waits for something to happen, and handles it.
    pub fn turn(loop: *Loop) void {
        var events: [events_at_once]linux.epoll_event = undefined;
        const count = posix.epoll_wait(loop.epoll, &events, loop.timeout());
        loop.now = monotonicMilliseconds();
        for (events[0..count]) |event| {
            if (event.data.ptr == 0) {
                loop.runPosted();
                continue;
            }
            const source: *Source = @ptrFromInt(event.data.ptr);
            const failed = event.events & (linux.EPOLL.ERR | linux.EPOLL.HUP) != 0;
            source.ready(source, loop, .{
                .readable = failed or event.events & (linux.EPOLL.IN | linux.EPOLL.RDHUP) != 0,
                .writable = failed or event.events & linux.EPOLL.OUT != 0,
                .ended = failed or event.events & linux.EPOLL.RDHUP != 0,
            });
        }
        // After the events: an answer that arrived in time isn't late because
        // this thread was.
        loop.timers.expire(loop.now);
        runAll(&loop.later_tasks);
    }

    fn timeout(loop: *const Loop) i32 {
        if (loop.later_tasks.first != null) return 0; // queued before the loop runs
        const deadline = loop.timers.earliest() orelse return -1;
        return @intCast(deadline -| loop.now);
    }

    fn runPosted(loop: *Loop) void {
        var count: u64 = 0;
        _ = posix.read(loop.wakeup, std.mem.asBytes(&count)) catch {};
        loop.mutex.lock();
        var tasks = loop.posted_tasks;
        loop.posted_tasks = .{};
        loop.mutex.unlock();
        runAll(&tasks);
    }

    fn runAll(tasks: *List) void {
        while (tasks.popFirst()) |node| {
            const task: *Task = @fieldParentPtr("node", node);
            task.run(task);
        }
    }
};

pub fn monotonicMilliseconds() u64 {
    const time = posix.clock_gettime(.MONOTONIC) catch unreachable; // Linux always has it
    return @as(u64, @intCast(time.sec)) * std.time.ms_per_s + @as(u64, @intCast(time.nsec)) / std.time.ns_per_ms;
}
