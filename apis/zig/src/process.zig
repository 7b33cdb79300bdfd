//! What a process does before its loops run, and at its end.

const std = @import("std");
const posix = std.posix;

/// The number of CPUs that the process may run on: those of its affinity mask.
pub fn cpuCount() usize {
    const set = posix.sched_getaffinity(0) catch return 1;
    return @max(1, posix.CPU_COUNT(set));
}

/// Lets the process have as many descriptors as the system grants it.
pub fn raiseDescriptorLimit() void {
    var limit = posix.getrlimit(.NOFILE) catch return;
    limit.cur = limit.max;
    posix.setrlimit(.NOFILE, limit) catch {};
}

/// The signals that end the process. They are blocked in all threads, and taken
/// by the one that calls `wait`; so this must come before other threads start.
pub const EndSignals = struct {
    fd: posix.fd_t,

    pub fn block() !EndSignals {
        var set = posix.empty_sigset;
        std.os.linux.sigaddset(&set, posix.SIG.TERM);
        std.os.linux.sigaddset(&set, posix.SIG.INT);
        posix.sigprocmask(posix.SIG.BLOCK, &set, null);
        return .{ .fd = try posix.signalfd(-1, &set, std.os.linux.SFD.CLOEXEC) };
    }

    /// Waits for one of the signals.
    pub fn wait(signals: EndSignals) void {
        var information: std.os.linux.signalfd_siginfo = undefined;
        _ = posix.read(signals.fd, std.mem.asBytes(&information)) catch {};
    }
};

/// Looks a variable of the environment up.
pub fn lookup(name: []const u8) ?[]const u8 {
    return posix.getenv(name);
}

/// Writes a line to standard error.
pub fn complain(comptime format: []const u8, arguments: anytype) void {
    std.io.getStdErr().writer().print("fairground: " ++ format ++ "\n", arguments) catch {};
}
