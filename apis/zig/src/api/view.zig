//! The documents that are sent, members in the order of the contract.

const std = @import("std");
const json = @import("../json/writer.zig");
const Post = @import("statements.zig").Post;
const time = @import("../time.zig");

const Buffer = json.Buffer;
const Error = json.Error;

/// Octets of a post beside its texts, about.
const post_overhead = 256;

/// A user; `email` is null where others see them.
pub fn user(
    buffer: *Buffer,
    allocator: std.mem.Allocator,
    id: i64,
    username: []const u8,
    email: ?[]const u8,
    created_at: u64,
) Error!void {
    try buffer.appendSlice(allocator, "{\"id\":");
    try json.integer(buffer, allocator, id);
    try buffer.appendSlice(allocator, ",\"username\":");
    try json.string(buffer, allocator, username);
    if (email) |address| {
        try buffer.appendSlice(allocator, ",\"email\":");
        try json.string(buffer, allocator, address);
    }
    try buffer.appendSlice(allocator, ",\"created_at\":");
    try timestamp(buffer, allocator, created_at);
    try buffer.append(allocator, '}');
}

pub fn post(buffer: *Buffer, allocator: std.mem.Allocator, value: *const Post) Error!void {
    try buffer.ensureUnusedCapacity(allocator, value.title.len + value.body.len + post_overhead);
    try buffer.appendSlice(allocator, "{\"id\":");
    try json.integer(buffer, allocator, value.id);
    try buffer.appendSlice(allocator, ",\"author\":{\"id\":");
    try json.integer(buffer, allocator, value.author_id);
    try buffer.appendSlice(allocator, ",\"username\":");
    try json.string(buffer, allocator, value.author_name);
    try buffer.appendSlice(allocator, "},\"title\":");
    try json.string(buffer, allocator, value.title);
    try buffer.appendSlice(allocator, ",\"body\":");
    try json.string(buffer, allocator, value.body);
    try buffer.appendSlice(allocator, ",\"version\":");
    try json.integer(buffer, allocator, value.version);
    try buffer.appendSlice(allocator, ",\"created_at\":");
    try timestamp(buffer, allocator, value.created_at);
    try buffer.appendSlice(allocator, ",\"updated_at\":");
    try timestamp(buffer, allocator, value.updated_at);
    try buffer.append(allocator, '}');
}

/// What precedes the posts of a page, and what follows them.
pub const page_start = "{\"items\":[";

pub fn pageEnd(buffer: *Buffer, allocator: std.mem.Allocator, next_before: ?i64) Error!void {
    try buffer.appendSlice(allocator, "],\"next_before\":");
    if (next_before) |id| try json.integer(buffer, allocator, id) else try buffer.appendSlice(allocator, "null");
    try buffer.append(allocator, '}');
}

pub fn file(
    buffer: *Buffer,
    allocator: std.mem.Allocator,
    id: i64,
    filename: []const u8,
    content_type: []const u8,
    size: u64,
    sha256: []const u8,
) Error!void {
    try buffer.appendSlice(allocator, "{\"id\":");
    try json.integer(buffer, allocator, id);
    try buffer.appendSlice(allocator, ",\"filename\":");
    try json.string(buffer, allocator, filename);
    try buffer.appendSlice(allocator, ",\"content_type\":");
    try json.string(buffer, allocator, content_type);
    try buffer.appendSlice(allocator, ",\"size\":");
    try json.integer(buffer, allocator, @intCast(size));
    try buffer.appendSlice(allocator, ",\"sha256\":");
    try json.string(buffer, allocator, sha256);
    try buffer.append(allocator, '}');
}

pub const max_etag = "\"9223372036854775807-9223372036854775807\"".len;

/// The strong entity tag of a post.
pub fn etag(id: i64, version: i64, buffer: *[max_etag]u8) []const u8 {
    return std.fmt.bufPrint(buffer, "\"{d}-{d}\"", .{ id, version }) catch unreachable; // the longest fits
}

fn timestamp(buffer: *Buffer, allocator: std.mem.Allocator, milliseconds: u64) Error!void {
    var text: [time.iso_length]u8 = undefined;
    time.formatIso(milliseconds, &text);
    try buffer.append(allocator, '"');
    try buffer.appendSlice(allocator, &text);
    try buffer.append(allocator, '"');
}
