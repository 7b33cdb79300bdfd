//! Deadlines of one event loop.
//!
//! Nearly every timer of a server is cancelled or started anew before it
//! expires, and all of them take one of a few durations. So there is a queue for
//! each duration: what is started last expires last, every operation is O(1),
//! and nothing needs to be sorted.

const std = @import("std");

/// The durations that a timer can have, in milliseconds.
pub const Delay = enum(u32) {
    ms_50 = 50,
    ms_500 = 500,
    s_1 = 1_000,
    s_2 = 2_000,
    s_10 = 10_000,
    s_60 = 60_000,
};

pub const Timer = struct {
    /// Called once the delay has passed. The timer is stopped by then.
    expired: *const fn (*Timer) void,
    queue: ?*Queue = null,
    deadline: u64 = 0,
    previous: ?*Timer = null,
    next: ?*Timer = null,

    pub fn isRunning(timer: *const Timer) bool {
        return timer.queue != null;
    }
};

const Queue = struct {
    first: ?*Timer = null,
    last: ?*Timer = null,

    fn append(queue: *Queue, timer: *Timer) void {
        timer.queue = queue;
        timer.previous = queue.last;
        timer.next = null;
        if (queue.last) |last| last.next = timer else queue.first = timer;
        queue.last = timer;
    }

    fn remove(queue: *Queue, timer: *Timer) void {
        if (timer.previous) |previous| previous.next = timer.next else queue.first = timer.next;
        if (timer.next) |next| next.previous = timer.previous else queue.last = timer.previous;
        timer.queue = null;
        timer.previous = null;
        timer.next = null;
    }
};

pub const Timers = struct {
    queues: std.EnumArray(Delay, Queue) = .initFill(.{}),

    /// Starts the timer at `now` (milliseconds of any steady clock); one that
    /// runs already is started anew.
    pub fn start(timers: *Timers, timer: *Timer, delay: Delay, now: u64) void {
        timers.stop(timer);
        timer.deadline = now + @intFromEnum(delay);
        timers.queues.getPtr(delay).append(timer);
    }

    pub fn stop(_: *Timers, timer: *Timer) void {
        if (timer.queue) |queue| queue.remove(timer);
    }

    /// The earliest deadline of all.
    pub fn earliest(timers: *const Timers) ?u64 {
        var result: ?u64 = null;
        for (timers.queues.values) |queue| {
            const first = queue.first orelse continue;
            result = @min(result orelse first.deadline, first.deadline);
        }
        return result;
    }

    /// Calls what has expired at `now`.
    pub fn expire(timers: *Timers, now: u64) void {
        for (&timers.queues.values) |*queue| {
            while (queue.first) |timer| {
                if (timer.deadline > now) break;
                queue.remove(timer);
                timer.expired(timer);
            }
        }
    }
};
