//! Hashes passwords with argon2id, on threads of its own: a hash takes tens of
//! milliseconds of a CPU, for which no other request should wait.

const std = @import("std");
const posix = std.posix;
const argon2 = std.crypto.pwhash.argon2;
const base64 = std.base64.standard_no_pad.Encoder;
const loop_module = @import("../event/loop.zig");

/// Of new hashes: a choice of the OWASP password storage cheat sheet for argon2id.
const parameters: argon2.Params = .{ .m = 19456, .t = 2, .p = 1 };
const salt_length = 16;
const key_length = 32;
const prefix = std.fmt.comptimePrint("$argon2id$v=19$m={d},t={d},p={d}$", .{ parameters.m, parameters.t, parameters.p });

/// A hash as text, in the PHC string format.
pub const Hash = [prefix.len + base64.calcSize(salt_length) + 1 + base64.calcSize(key_length)]u8;

/// Has the parameters of a real hash; nobody knows a password for it. A login
/// with an unknown email verifies against it, so that the time of the answer
/// doesn't reveal whether the email is known.
pub const decoy = format(&(.{0} ** salt_length), &(.{0} ** key_length));

/// Jobs that may wait for each thread.
pub const max_waiting = 32;

/// One hash to be computed, embedded in what waits for it.
pub const Job = struct {
    /// Posted to the loop when the outcome is there.
    task: loop_module.Task,
    loop: *loop_module.Loop,
    /// Nobody waits any more: the job is dropped unless it has begun.
    abandoned: *const std.atomic.Value(bool),
    password: []const u8,
    /// A stored hash to verify the password against; null: make a new one.
    stored: ?[]const u8,
    outcome: Outcome = .dropped,
    node: loop_module.List.Node = .{ .data = {} },

    pub const Outcome = union(enum) {
        created: Hash,
        /// Whether the password is the right one.
        verified: bool,
        failed: anyerror,
        dropped,
    };
};

pub const Hasher = struct {
    mutex: std.Thread.Mutex = .{},
    waiting: std.Thread.Condition = .{},
    jobs: loop_module.List = .{},
    threads: usize = 0,

    /// Starts so many threads, which stay to the end of the process.
    pub fn start(hasher: *Hasher, threads: usize) !void {
        hasher.threads = threads;
        for (0..threads) |_| {
            const thread = try std.Thread.spawn(.{ .stack_size = 1 << 20 }, run, .{ hasher, try mapMemory() });
            thread.detach();
        }
    }

    /// Queues a job; they are done in order.
    pub fn submit(hasher: *Hasher, job: *Job) error{TooManyWaiting}!void {
        hasher.mutex.lock();
        defer hasher.mutex.unlock();
        const limit = hasher.threads * max_waiting;
        if (hasher.jobs.len >= limit) hasher.dropAbandoned();
        if (hasher.jobs.len >= limit) return error.TooManyWaiting;
        hasher.jobs.append(&job.node);
        hasher.waiting.signal();
    }

    fn dropAbandoned(hasher: *Hasher) void {
        var next = hasher.jobs.first;
        while (next) |node| {
            next = node.next;
            const job: *Job = @fieldParentPtr("node", node);
            if (!job.abandoned.load(.monotonic)) continue;
            hasher.jobs.remove(node);
            job.loop.post(&job.task);
        }
    }

    fn run(hasher: *Hasher, memory: []u8) noreturn {
        while (true) {
            const job = hasher.take();
            var fixed: std.heap.FixedBufferAllocator = .init(memory);
            if (!job.abandoned.load(.monotonic)) job.outcome = perform(job, fixed.allocator());
            job.loop.post(&job.task);
        }
    }

    fn take(hasher: *Hasher) *Job {
        hasher.mutex.lock();
        defer hasher.mutex.unlock();
        while (true) {
            if (hasher.jobs.popFirst()) |node| return @fieldParentPtr("node", node);
            hasher.waiting.wait(&hasher.mutex);
        }
    }
};

/// The memory of one thread, for all its hashes: if it were mapped again for each,
/// the kernel would have to find and clear thousands of pages. No page of it exists
/// before the first hash.
fn mapMemory() ![]u8 {
    const huge_page = 2 << 20;
    const size = std.mem.alignForward(usize, (parameters.m << 10) + (64 << 10), huge_page);
    const memory = try posix.mmap(null, size, posix.PROT.READ | posix.PROT.WRITE, .{ .TYPE = .PRIVATE, .ANONYMOUS = true }, -1, 0);
    // The blocks of a hash are read in an order that the processor can't foresee.
    // Where the kernel has no huge pages, others do.
    posix.madvise(memory.ptr, memory.len, posix.MADV.HUGEPAGE) catch {};
    return memory;
}

fn perform(job: *const Job, allocator: std.mem.Allocator) Job.Outcome {
    const stored = job.stored orelse {
        return .{ .created = create(job.password, allocator) catch |failure| return .{ .failed = failure } };
    };
    argon2.strVerify(stored, job.password, .{ .allocator = allocator }) catch |failure| {
        return if (failure == error.PasswordVerificationFailed) .{ .verified = false } else .{ .failed = failure };
    };
    return .{ .verified = true };
}

/// Not `argon2.strHash`, whose salt has 32 bytes.
fn create(password: []const u8, allocator: std.mem.Allocator) !Hash {
    var salt: [salt_length]u8 = undefined;
    std.crypto.random.bytes(&salt);
    var key: [key_length]u8 = undefined;
    try argon2.kdf(allocator, &key, password, &salt, parameters, .argon2id);
    return format(&salt, &key);
}

fn format(salt: *const [salt_length]u8, key: *const [key_length]u8) Hash {
    var hash: Hash = undefined;
    const salt_end = prefix.len + base64.calcSize(salt_length);
    hash[0..prefix.len].* = prefix.*;
    _ = base64.encode(hash[prefix.len..salt_end], salt);
    hash[salt_end] = '$';
    _ = base64.encode(hash[salt_end + 1 ..], key);
    return hash;
}
