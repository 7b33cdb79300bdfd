//! Receives one upload: finds its one file, checks it, and writes it to disk as
//! it arrives. The first breach ends it.

const std = @import("std");
const directory_module = @import("directory.zig");
const disposition_module = @import("disposition.zig");
const media_type = @import("media_type.zig");
const multipart = @import("multipart.zig");
const part_head = @import("part_head.zig");
const safe_name = @import("safe_name.zig");

const Sha256 = std.crypto.hash.sha2.Sha256;

/// Limits of an upload, in octets.
pub const max_file = 2 << 20;
pub const max_body = max_file + (64 << 10);

pub const Error = error{
    /// Not multipart/form-data with exactly one file.
    Malformed,
    /// Not of an accepted type, or declared as another.
    BadType,
    TooLarge,
    /// The disk failed.
    Storage,
    OutOfMemory,
};

/// A file whose content is on disk.
pub const File = struct {
    name: []const u8,
    content_type: []const u8,
    size: u64,
    sha256: [2 * Sha256.digest_length]u8,
    storage_name: [directory_module.name_length]u8,
};

pub const Receiver = struct {
    directory: directory_module.Directory,
    allocator: std.mem.Allocator,
    reader: multipart.Reader,
    received: u64 = 0,
    part: Part = .other,
    seen_file: bool = false,
    filename: []const u8 = "",
    declared_type: ?[]const u8 = null,
    content_type: []const u8 = "",
    prefix: [media_type.prefix_length]u8 = undefined,
    size: u64 = 0,
    digest: Sha256 = .init(.{}),
    content: ?directory_module.Content = null,

    const Part = enum {
        /// To be skipped.
        other,
        /// The file, whose first octets are gathered.
        file_start,
        /// The file, whose type is known.
        file_rest,
    };

    pub fn init(directory: directory_module.Directory, boundary: []const u8, allocator: std.mem.Allocator) Receiver {
        return .{ .directory = directory, .allocator = allocator, .reader = .init(boundary) };
    }

    /// Takes octets of the body. True: the rest is of no interest.
    pub fn feed(receiver: *Receiver, data: []const u8) Error!bool {
        const allowed: usize = @intCast(@min(data.len, max_body - receiver.received));
        receiver.received += allowed;
        var rest = data[0..allowed];
        while (true) {
            rest = rest[receiver.reader.feed(rest)..];
            while (true) {
                switch (try receiver.reader.next()) {
                    .more => break,
                    .part => |lines| try receiver.beginPart(lines),
                    .content => |octets| try receiver.takeContent(octets),
                    .part_end => try receiver.endPart(),
                    .end => return true,
                }
            }
            if (rest.len == 0) break;
        }
        return if (allowed < data.len) error.TooLarge else false;
    }

    /// The body has ended, or its rest is of no interest.
    pub fn finish(receiver: *Receiver) Error!File {
        try receiver.reader.finish();
        const content = receiver.content orelse return error.Malformed;
        content.keep();
        receiver.content = null;
        return .{
            .name = receiver.filename,
            .content_type = receiver.content_type,
            .size = receiver.size,
            .sha256 = std.fmt.bytesToHex(receiver.digest.finalResult(), .lower),
            .storage_name = content.name,
        };
    }

    /// Leaves nothing behind on disk.
    pub fn discard(receiver: *Receiver) void {
        const content = receiver.content orelse return;
        receiver.content = null;
        content.discard() catch {}; // nobody can do more about it
    }

    fn beginPart(receiver: *Receiver, lines: []const u8) Error!void {
        const head = try part_head.PartHead.parse(lines, receiver.allocator);
        const disposition = try disposition_module.Disposition.parse(head.disposition orelse return error.Malformed, receiver.allocator);
        receiver.part = .other;
        if (!std.mem.eql(u8, disposition.name orelse "", "file")) return;
        const filename = disposition.filename orelse "";
        if (receiver.seen_file or filename.len == 0) return error.Malformed;
        receiver.seen_file = true;
        receiver.part = .file_start;
        receiver.declared_type = head.content_type;
        var buffer: [safe_name.max_length]u8 = undefined;
        receiver.filename = try receiver.allocator.dupe(u8, safe_name.make(filename, &buffer));
    }

    fn takeContent(receiver: *Receiver, octets: []const u8) Error!void {
        switch (receiver.part) {
            .other => {},
            .file_start => {
                const known: usize = @intCast(receiver.size);
                const count = @min(octets.len, receiver.prefix.len - known);
                @memcpy(receiver.prefix[known..][0..count], octets[0..count]);
                receiver.size += count;
                if (receiver.size < receiver.prefix.len) return;
                try receiver.acceptType();
                try receiver.store(octets[count..]);
            },
            .file_rest => try receiver.store(octets),
        }
    }

    fn endPart(receiver: *Receiver) Error!void {
        if (receiver.part == .file_start) try receiver.acceptType();
        receiver.part = .other;
    }

    /// Checks the type by the first octets, and writes those.
    fn acceptType(receiver: *Receiver) Error!void {
        const prefix = receiver.prefix[0..@intCast(receiver.size)];
        receiver.content_type = media_type.detect(prefix) orelse return error.BadType;
        if (receiver.declared_type) |declared| {
            const bare = media_type.withoutParameters(declared);
            if (!std.ascii.eqlIgnoreCase(bare, receiver.content_type)) return error.BadType;
        }
        receiver.content = receiver.directory.create() catch return error.Storage;
        receiver.part = .file_rest;
        receiver.size = 0;
        try receiver.store(prefix);
    }

    fn store(receiver: *Receiver, octets: []const u8) Error!void {
        if (octets.len > max_file - receiver.size) return error.TooLarge;
        receiver.size += octets.len;
        receiver.digest.update(octets);
        receiver.content.?.write(octets) catch return error.Storage;
    }
};
