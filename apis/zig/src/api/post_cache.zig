//! Posts and the first page in Redis. Nothing here fails: whatever Redis doesn't
//! do in time counts as a miss, or as done.

const std = @import("std");
const redis = @import("../redis/client.zig");

const prefix = "post:";
const first_page_key = "posts:first";
const post_lifetime = "600";
const first_page_lifetime = "5";

pub const Key = union(enum) {
    post: i64,
    first_page,

    const max_length = prefix.len + 19;

    fn text(key: Key, buffer: *[max_length]u8) []const u8 {
        return switch (key) {
            .post => |id| std.fmt.bufPrint(buffer, prefix ++ "{d}", .{id}) catch unreachable, // an id has up to 19 digits
            .first_page => first_page_key,
        };
    }

    fn lifetime(key: Key) []const u8 {
        return switch (key) {
            .post => post_lifetime,
            .first_page => first_page_lifetime,
        };
    }
};

pub fn get(client: *redis.Client, command: *redis.Command, key: Key) void {
    var buffer: [Key.max_length]u8 = undefined;
    client.send(command, &.{ "GET", key.text(&buffer) });
}

pub fn set(client: *redis.Client, command: *redis.Command, key: Key, value: []const u8) void {
    var buffer: [Key.max_length]u8 = undefined;
    client.send(command, &.{ "SET", key.text(&buffer), value, "EX", key.lifetime() });
}

pub fn delete(client: *redis.Client, command: *redis.Command, key: Key) void {
    var buffer: [Key.max_length]u8 = undefined;
    client.send(command, &.{ "DEL", key.text(&buffer) });
}

/// The value that a GET has found.
pub fn found(outcome: redis.Outcome) ?[]const u8 {
    return switch (outcome) {
        .reply => |reply| switch (reply) {
            .bulk => |value| value,
            else => null,
        },
        .failed => null,
    };
}

/// A post as it is stored: its entity tag, a newline, and its JSON.
pub const Entry = struct {
    etag: []const u8,
    body: []const u8,

    /// Room for the tag in a header.
    const max_etag = 128;

    /// Null: the value isn't a post. That holds for a tag, too, that no header
    /// can have.
    pub fn parse(value: []const u8) ?Entry {
        const newline = std.mem.indexOfScalar(u8, value[0..@min(value.len, max_etag + 1)], '\n') orelse return null;
        const etag = value[0..newline];
        for (etag) |octet| {
            if (octet < ' ' or octet == 0x7f) return null;
        }
        return .{ .etag = etag, .body = value[newline + 1 ..] };
    }
};
