//! Hashes passwords with argon2id, on threads of its own: a hash takes tens of
//! milliseconds of a CPU, for which no other request should wait.

const std = @import("std");
const posix = std.posix;
const argon2 = std.crypto.pwhash.argon2;
const loop_module = @import("../event/loop.zig");
const phc = @import("phc.zig");

/// Has the parameters of a real hash; nobody knows a password for it. A login
/// with an unknown email verifies against it, so that the time of the answer
/// doesn't tell whether the email is known.
pub const decoy = phc.format(&(.{0} ** phc.salt_length), &(.{0} ** phc.key_length));

/// One hash to be computed, embedded in what waits for it. It is done on one of
/// the hasher's threads, and its task then posted to the loop.
pub const Job = struct {
    /// What to do with the outcome.
    task: loop_module.Task,
    loop: *loop_module.Loop,
    password: []const u8,
    work: Work,
    next: ?*Job = null,

    pub const Work = union(enum) {
        /// Make a new hash.
        create: Outcome([phc.text_length]u8),
        verify: Verification,
    };

    pub const Verification = struct {
        /// A stored PHC string.
        stored: []const u8,
        outcome: Outcome(bool) = error.NotComputed,
    };

    pub fn Outcome(Result: type) type {
        return Error!Result;
    }

    pub const Error = phc.Error || std.crypto.pwhash.KdfError || error{NotComputed};
};

pub const Hasher = struct {
    mutex: std.Thread.Mutex = .{},
    waiting: std.Thread.Condition = .{},
    first: ?*Job = null,
    last: ?*Job = null,

    /// Starts so many threads, which stay to the end of the process.
    pub fn start(hasher: *Hasher, threads: usize) !void {
        for (0..threads) |_| {
            const memory = try Memory.map();
            const thread = try std.Thread.spawn(.{ .stack_size = 1 << 20 }, run, .{ hasher, memory });
            thread.detach();
        }
    }

    /// Queues a job; they are done in order.
    pub fn submit(hasher: *Hasher, job: *Job) void {
        job.next = null;
        hasher.mutex.lock();
        if (hasher.last) |last| last.next = job else hasher.first = job;
        hasher.last = job;
        hasher.mutex.unlock();
        hasher.waiting.signal();
    }

    fn run(hasher: *Hasher, memory: Memory) noreturn {
        while (true) {
            const job = hasher.take();
            var fixed: std.heap.FixedBufferAllocator = .init(memory.block);
            perform(job, fixed.allocator());
            job.loop.post(&job.task);
        }
    }

    fn take(hasher: *Hasher) *Job {
        hasher.mutex.lock();
        defer hasher.mutex.unlock();
        while (true) {
            if (hasher.first) |job| {
                hasher.first = job.next;
                if (job.next == null) hasher.last = null;
                return job;
            }
            hasher.waiting.wait(&hasher.mutex);
        }
    }
};

/// The memory of one thread, for all its hashes: mapped anew for each, the kernel
/// would have thousands of pages to find and to clear before a hash is begun. No
/// page of it exists before the first hash.
const Memory = struct {
    block: []align(std.heap.page_size_min) u8,

    const huge_page = 2 << 20;
    /// Of a hash and what the standard library needs beside it.
    const size = std.mem.alignForward(usize, (phc.memory_kib << 10) + (64 << 10), huge_page);

    fn map() !Memory {
        const block = try posix.mmap(null, size, posix.PROT.READ | posix.PROT.WRITE, .{ .TYPE = .PRIVATE, .ANONYMOUS = true }, -1, 0);
        // The blocks of a hash are read in no order that the processor could
        // foresee. Where the kernel has no huge pages, others do.
        posix.madvise(block.ptr, block.len, posix.MADV.HUGEPAGE) catch {};
        return .{ .block = block };
    }
};

fn perform(job: *Job, allocator: std.mem.Allocator) void {
    switch (job.work) {
        .create => |*outcome| outcome.* = create(job.password, allocator),
        .verify => |*verification| verification.outcome = verify(verification.stored, job.password, allocator),
    }
}

fn create(password: []const u8, allocator: std.mem.Allocator) Job.Error![phc.text_length]u8 {
    var salt: [phc.salt_length]u8 = undefined;
    std.crypto.random.bytes(&salt);
    var key: [phc.key_length]u8 = undefined;
    const parameters: argon2.Params = .{ .m = phc.memory_kib, .t = phc.iterations, .p = phc.lanes };
    try argon2.kdf(allocator, &key, password, &salt, parameters, .argon2id);
    return phc.format(&salt, &key);
}

fn verify(stored: []const u8, password: []const u8, allocator: std.mem.Allocator) Job.Error!bool {
    const hash = try phc.Hash.parse(stored);
    const parameters: argon2.Params = .{ .m = hash.memory_kib, .t = hash.iterations, .p = hash.lanes };
    var key_buffer: [hash.key_buffer.len]u8 = undefined;
    const key = key_buffer[0..hash.key_length];
    // A hash that another program made may want more than was set aside.
    const fits = hash.memory_kib <= phc.memory_kib;
    try argon2.kdf(if (fits) allocator else std.heap.page_allocator, key, password, hash.salt(), parameters, .argon2id);
    // Compared in constant time, whatever its length.
    var difference: u8 = 0;
    for (key, hash.key()) |a, b| difference |= a ^ b;
    return difference == 0;
}
