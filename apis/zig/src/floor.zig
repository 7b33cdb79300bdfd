//! The least that this server can do for GET /api/posts/{id}: the same bytes and
//! headers as the API on a cache hit, from memory. Benchmarks measure the API
//! against it. It is no part of the API.

const std = @import("std");
const cache = @import("api/cache.zig");
const config = @import("config.zig");
const floor_posts = @import("floor_posts.zig");
const log = @import("log.zig");
const Request = @import("http/request.zig").Request;
const Service = @import("service.zig").Service;

pub const std_options: std.Options = .{ .logFn = log.write, .log_level = .info, .enable_segfault_handler = false };

const allocator = std.heap.smp_allocator;

pub fn main() !void {
    log.level = .warn;
    var reader: config.Reader = .{ .allocator = allocator };
    const database = try reader.database();
    var service: Service = undefined;
    try service.init(allocator, try reader.address());
    var posts = try floor_posts.load(allocator, database, service.loops[0..1]);
    for (service.servers) |*server| server.handler = .{ .context = &posts, .handle = handle };
    try service.run();
}

fn handle(context: *anyopaque, request: *Request) void {
    const posts: *const floor_posts.Posts = @ptrCast(@alignCast(context));
    const id = floor_posts.idOf(request) orelse return;
    const value = posts.get(id) orelse return floor_posts.answerEmpty(request, .not_found);
    const entry = cache.Entry.parse(value).?; // as it was written
    floor_posts.answer(request, entry, .{ .kept = entry.json });
}
