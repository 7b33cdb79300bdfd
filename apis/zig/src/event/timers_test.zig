const std = @import("std");
const timers_module = @import("timers.zig");

const Probe = struct {
    timer: timers_module.Timer = .{ .expired = onExpired },
    times: usize = 0,

    fn onExpired(timer: *timers_module.Timer) void {
        const probe: *Probe = @fieldParentPtr("timer", timer);
        probe.times += 1;
    }
};

test "a timer expires at its deadline, once, and says when that is" {
    var timers: timers_module.Timers = .{};
    var early: Probe = .{};
    var late: Probe = .{};
    try std.testing.expectEqual(null, timers.earliest());
    timers.start(&late.timer, .s_2, 1000);
    timers.start(&early.timer, .ms_50, 1000);
    try std.testing.expectEqual(1050, timers.earliest());
    timers.expire(1049);
    try std.testing.expectEqual(0, early.times);
    timers.expire(1050);
    timers.expire(1051);
    try std.testing.expectEqual(1, early.times);
    try std.testing.expectEqual(3000, timers.earliest());
    timers.expire(9000);
    try std.testing.expectEqual(1, late.times);
    try std.testing.expectEqual(null, timers.earliest());
}

test "a timer that is stopped doesn't expire, and one that is started anew does later" {
    var timers: timers_module.Timers = .{};
    var probes = [_]Probe{.{}} ** 3;
    for (&probes) |*probe| timers.start(&probe.timer, .ms_500, 0);
    timers.stop(&probes[1].timer);
    timers.stop(&probes[1].timer);
    timers.start(&probes[0].timer, .ms_500, 60);
    timers.expire(500);
    try std.testing.expectEqual(.{ 0, 0, 1 }, .{ probes[0].times, probes[1].times, probes[2].times });
    try std.testing.expectEqual(560, timers.earliest());
    timers.expire(560);
    try std.testing.expectEqual(1, probes[0].times);
}
