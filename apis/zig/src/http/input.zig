//! The octets that were received and not yet used up. While a request is being
//! answered its head stays where it is, and only what follows is moved.

const std = @import("std");
const head_module = @import("head.zig");

const initial_size = 4 << 10;
const max_size = 24 << 10;

/// Above the 16 KiB that must be taken, and what must be refused is more.
const max_head = 20 << 10;

/// What a chunked body is read into, at least.
const min_room = 2 << 10;

pub const Input = struct {
    buffer: []u8 = &.{},
    start: usize = 0,
    end: usize = 0,
    /// Octets at the front that belong to the head of the current request.
    head: usize = 0,
    /// How far the end of the head was looked for, behind `start`.
    searched: usize = 0,
    /// Octets of empty lines that were dropped in front of it.
    dropped: usize = 0,

    pub fn deinit(input: *Input, allocator: std.mem.Allocator) void {
        allocator.free(input.buffer);
        input.* = .{};
    }

    pub fn bytes(input: *const Input) []const u8 {
        return input.buffer[input.start..input.end];
    }

    pub fn isEmpty(input: *const Input) bool {
        return input.start == input.end;
    }

    /// Whether anything of a head has come, an empty line in front of it included.
    pub fn hasBegun(input: *const Input) bool {
        return !input.isEmpty() or input.dropped != 0;
    }

    /// The length of the head at the front, if it is complete. Empty lines in
    /// front of it are dropped (RFC 9112, section 2.2), though no more of them
    /// than a head may be long.
    pub fn headLength(input: *Input) error{TooLong}!?usize {
        while (std.mem.startsWith(u8, input.bytes(), "\r\n")) {
            input.start += 2;
            input.searched = 0;
            input.dropped += 2;
            if (input.dropped > max_head) return error.TooLong;
        }
        const length = head_module.lengthOf(input.bytes(), input.searched) orelse {
            input.searched = input.bytes().len;
            return if (input.searched > max_head) error.TooLong else null;
        };
        return if (length > max_head) error.TooLong else length;
    }

    pub fn hasRoomBehind(input: *const Input, length: usize) bool {
        return input.buffer.len - input.start - length >= min_room;
    }

    /// Makes the head at the front the current one.
    pub fn keepHead(input: *Input, length: usize) void {
        input.start += length;
        input.head = input.start;
        input.searched = 0;
        input.dropped = 0;
    }

    pub fn releaseHead(input: *Input) void {
        input.head = 0;
    }

    /// Where to read more of a head to; moves what is there to the front.
    pub fn free(input: *Input, allocator: std.mem.Allocator) ![]u8 {
        std.debug.assert(input.head == 0);
        input.compact(0);
        if (input.end == input.buffer.len) try input.grow(allocator);
        return input.buffer[input.end..];
    }

    /// Where to read more of a body to, once all that was received is used up.
    pub fn freeBehindHead(input: *Input) []u8 {
        input.compact(input.head);
        return input.buffer[input.end..];
    }

    /// Moves the head at the front so that there is room for a body behind it.
    pub fn makeRoomBehind(input: *Input, length: usize, allocator: std.mem.Allocator) !void {
        input.compact(0);
        if (!input.hasRoomBehind(length)) try input.grow(allocator);
    }

    fn grow(input: *Input, allocator: std.mem.Allocator) !void {
        const size = @min(max_size, @max(initial_size, input.buffer.len * 2));
        std.debug.assert(size > input.buffer.len); // a head ends, or is refused, before
        const buffer = try allocator.alloc(u8, size);
        const content = input.bytes();
        @memcpy(buffer[0..content.len], content);
        allocator.free(input.buffer);
        input.buffer = buffer;
        input.start = 0;
        input.end = content.len;
    }

    pub fn received(input: *Input, length: usize) void {
        input.end += length;
    }

    pub fn consume(input: *Input, length: usize) void {
        input.start += length;
    }

    /// A large buffer isn't kept for a connection that may be idle for long.
    pub fn startOver(input: *Input, allocator: std.mem.Allocator) void {
        input.searched = 0;
        if (input.isEmpty() and input.buffer.len > initial_size) input.deinit(allocator);
    }

    fn compact(input: *Input, to: usize) void {
        if (input.start == to) return;
        const content = input.bytes();
        std.mem.copyForwards(u8, input.buffer[to..][0..content.len], content);
        input.start = to;
        input.end = to + content.len;
    }
};
