//! The floor of `floor.zig`, but each answer is fetched from Redis by the API's
//! own client. What the API adds to this is its own code.

const std = @import("std");
const cache = @import("api/cache.zig");
const config = @import("config.zig");
const floor_posts = @import("floor_posts.zig");
const Host = @import("event/dialer.zig").Host;
const log = @import("log.zig");
const loop_module = @import("event/loop.zig");
const redis = @import("redis/client.zig");
const Request = @import("http/request.zig").Request;
const resp = @import("redis/resp.zig");
const Service = @import("service.zig").Service;

pub const std_options: std.Options = .{ .logFn = log.write, .log_level = .info, .enable_segfault_handler = false };

const allocator = std.heap.smp_allocator;

pub fn main() !void {
    log.level = .warn;
    var reader: config.Reader = .{ .allocator = allocator };
    const database = try reader.database();
    const redis_config = try reader.redis();
    var service: Service = undefined;
    try service.init(allocator, try reader.address());
    const posts = try floor_posts.load(allocator, database, service.loops[0..1]);
    var host: Host = undefined;
    try host.init(redis_config.host, redis_config.port);
    const settings: redis.Settings = .{
        .host = &host,
        .user = redis_config.user,
        .password = redis_config.password,
        .database = redis_config.database,
    };
    const floors = try allocator.alloc(Floor, service.loops.len);
    for (floors, service.loops, service.servers) |*floor, *loop, *server| {
        floor.* = .{ .posts = &posts, .redis = .init(loop, &settings, allocator) };
        server.handler = .{ .context = floor, .handle = Floor.handle };
    }
    try floors[0].fill();
    try service.run();
}

/// What one loop has.
const Floor = struct {
    posts: *const floor_posts.Posts,
    redis: redis.Client,

    /// Stores the posts that Redis doesn't have, before the loop runs.
    fn fill(floor: *Floor) !void {
        const ids, const values = .{ floor.posts.keys(), floor.posts.values() };
        var stored: usize = 0;
        for (0..max_attempts) |_| {
            // Redis may be slow to begin with.
            while (floor.redis.pause_timer.isRunning()) floor.redis.loop.turn();
            while (stored < ids.len) : (stored += batch_size) {
                const end = @min(stored + batch_size, ids.len);
                var batch = [_]Storing{.{}} ** batch_size;
                for (batch[0 .. end - stored], ids[stored..end], values[stored..end]) |*storing, id, value| {
                    var key: [cache.max_key]u8 = undefined;
                    floor.redis.send(&storing.command, &.{ "SET", cache.postKey(&key, id), value, "NX" });
                }
                var has_failed = false;
                for (batch[0 .. end - stored]) |*storing| {
                    while (!storing.is_done) floor.redis.loop.turn();
                    has_failed = has_failed or storing.has_failed;
                }
                if (has_failed) break;
            } else return;
        }
        return error.PostsCannotBeStored;
    }

    const batch_size = 64;
    const max_attempts = 20;

    fn handle(context: *anyopaque, request: *Request) void {
        const floor: *Floor = @ptrCast(@alignCast(context));
        const id = floor_posts.idOf(request) orelse return;
        const reading = request.allocator().create(Reading) catch return floor_posts.answerEmpty(request, .internal_server_error);
        reading.* = .{ .floor = floor, .request = request, .id = id };
        var key: [cache.max_key]u8 = undefined;
        floor.redis.send(&reading.command, &.{ "GET", cache.postKey(&key, id) });
    }
};

const Storing = struct {
    command: redis.Command = .{ .done = onStored },
    is_done: bool = false,
    has_failed: bool = false,

    fn onStored(command: *redis.Command, reply: ?resp.Reply) void {
        const storing: *Storing = @fieldParentPtr("command", command);
        storing.is_done = true;
        storing.has_failed = reply == null;
    }
};

const Reading = struct {
    floor: *Floor,
    request: *Request,
    id: i64,
    command: redis.Command = .{ .done = onReply },

    fn onReply(command: *redis.Command, reply: ?resp.Reply) void {
        const reading: *Reading = @fieldParentPtr("command", command);
        const request = reading.request;
        const found = reply orelse return floor_posts.answerEmpty(request, .service_unavailable);
        if (found == .bulk) {
            const entry = cache.Entry.parse(found.bulk) orelse return floor_posts.answerEmpty(request, .internal_server_error);
            return floor_posts.answer(request, entry, .{ .passing = entry.json });
        }
        // Redis was flushed, so the post is stored again.
        const value = reading.floor.posts.get(reading.id) orelse return floor_posts.answerEmpty(request, .not_found);
        var key: [cache.max_key]u8 = undefined;
        reading.command = .{ .done = onStored };
        reading.floor.redis.send(&reading.command, &.{ "SET", cache.postKey(&key, reading.id), value });
    }

    fn onStored(command: *redis.Command, _: ?resp.Reply) void {
        const reading: *Reading = @fieldParentPtr("command", command);
        const entry = cache.Entry.parse(reading.floor.posts.get(reading.id).?).?; // as it was written
        floor_posts.answer(reading.request, entry, .{ .kept = entry.json });
    }
};
