//! Posts and the first page as Redis keeps them. Every implementation of the API
//! reads what another one has stored.

const std = @import("std");
const json = @import("../json.zig");
const Post = @import("statements.zig").Post;

pub const post_lifetime = "600";
pub const first_page = "posts:first";
pub const first_page_lifetime = "5";

pub const max_key = "post:".len + 19;

/// The key of a post.
pub fn postKey(buffer: *[max_key]u8, id: i64) []const u8 {
    return std.fmt.bufPrint(buffer, "post:{d}", .{id}) catch unreachable; // an id has at most 19 digits
}

/// A post as it is stored: its entity tag, a newline, and its JSON.
pub const Entry = struct {
    etag: []const u8,
    json: []const u8,

    const max_etag = 128;

    pub fn write(allocator: std.mem.Allocator, post: *const Post) std.mem.Allocator.Error![]const u8 {
        var value: std.ArrayListUnmanaged(u8) = try .initCapacity(allocator, post.title.len + post.body.len + 512);
        const writer = value.writer(allocator);
        try writer.print("\"{d}-{d}\"\n", .{ post.id, post.version });
        try json.write(&value, allocator, post);
        return value.items;
    }

    /// Null: the value isn't a post, or its tag doesn't fit into a header.
    pub fn parse(value: []const u8) ?Entry {
        const newline = std.mem.indexOfScalar(u8, value[0..@min(value.len, max_etag)], '\n') orelse return null;
        for (value[0..newline]) |byte| {
            if (!std.ascii.isPrint(byte)) return null;
        }
        return .{ .etag = value[0..newline], .json = value[newline + 1 ..] };
    }

    /// The header lines of an answer.
    pub fn fields(entry: Entry, buffer: *[max_fields]u8, comptime cache: []const u8) []const u8 {
        return std.fmt.bufPrint(buffer, "ETag: {s}\r\nX-Cache: " ++ cache ++ "\r\n", .{entry.etag}) catch unreachable; // see parse
    }

    pub const max_fields = max_etag + 64;
};
