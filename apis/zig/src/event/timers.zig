//! Deadlines of one event loop.
//!
//! Nearly every timer of a server is stopped or started again before it
//! expires, and all of them take one of a few durations. So there is a queue for
//! each duration: what is started last expires last, and every operation is O(1).

const std = @import("std");

/// A list of nodes that are embedded in what it lists.
pub const List = std.DoublyLinkedList(void);

/// The durations that a timer can have, in milliseconds.
pub const Delay = enum(u32) {
    none = 0,
    ms_50 = 50,
    ms_100 = 100,
    ms_500 = 500,
    s_1 = 1_000,
    ms_1800 = 1_800,
    s_2 = 2_000,
    s_10 = 10_000,
    s_60 = 60_000,
    s_120 = 120_000,
};

pub const Timer = struct {
    /// Called once the delay has passed. The timer is stopped by then.
    expired: *const fn (*Timer) void,
    queue: ?*List = null,
    deadline: u64 = 0,
    node: List.Node = .{ .data = {} },

    pub fn isRunning(timer: *const Timer) bool {
        return timer.queue != null;
    }
};

pub const Timers = struct {
    queues: std.EnumArray(Delay, List) = .initFill(.{}),

    /// Starts the timer at `now` (milliseconds of any steady clock); one that
    /// runs already starts again.
    pub fn start(timers: *Timers, timer: *Timer, delay: Delay, now: u64) void {
        timers.stop(timer);
        timer.deadline = now + @intFromEnum(delay);
        timer.queue = timers.queues.getPtr(delay);
        timer.queue.?.append(&timer.node);
    }

    pub fn stop(_: *Timers, timer: *Timer) void {
        const queue = timer.queue orelse return;
        queue.remove(&timer.node);
        timer.queue = null;
    }

    /// The earliest deadline of all.
    pub fn earliest(timers: *const Timers) ?u64 {
        var result: ?u64 = null;
        for (timers.queues.values) |queue| {
            const deadline = timerOf(queue.first orelse continue).deadline;
            result = @min(result orelse deadline, deadline);
        }
        return result;
    }

    /// Calls what has expired at `now`.
    pub fn expire(timers: *Timers, now: u64) void {
        for (&timers.queues.values) |*queue| {
            while (queue.first) |first| {
                const timer = timerOf(first);
                if (timer.deadline > now) break;
                timers.stop(timer);
                timer.expired(timer);
            }
        }
    }

    fn timerOf(node: *List.Node) *Timer {
        return @fieldParentPtr("node", node);
    }
};
