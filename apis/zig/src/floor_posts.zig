//! What both floors share: all posts, read from PostgreSQL once.

const std = @import("std");
const cache = @import("api/cache.zig");
const config = @import("config.zig");
const Host = @import("event/dialer.zig").Host;
const loop_module = @import("event/loop.zig");
const postgres = @import("postgres/pool.zig");
const query_module = @import("postgres/query.zig");
const Request = @import("http/request.zig").Request;
const response = @import("http/response.zig");
const statements = @import("api/statements.zig");
const api = @import("api/api.zig");

const page_size = 1000;

/// The value that the API stores in Redis for each post, by id.
pub const Posts = std.AutoArrayHashMapUnmanaged(i64, []const u8);

/// Reads all posts, page by page, before the loop runs.
pub fn load(allocator: std.mem.Allocator, database: config.Database, loops: []loop_module.Loop) !Posts {
    var host: Host = undefined;
    try host.init(database.host, database.port);
    var pool: postgres.Pool = undefined;
    try pool.init(allocator, .{
        .host = &host,
        .user = database.user,
        .password = database.password,
        .database = database.name,
    }, 1, loops);
    defer pool.deinit();
    var reading: Reading = .{ .allocator = allocator, .query = undefined };
    while (!reading.is_complete) {
        reading.query = .init(&statements.posts_before, &.{ .{ .integer = page_size }, .{ .integer = reading.before } }, Reading.onDone);
        reading.outcome = null;
        pool.clients[0].execute(&reading.query);
        while (reading.outcome == null) loops[0].turn();
        try reading.outcome.?;
    }
    return reading.posts;
}

const Reading = struct {
    allocator: std.mem.Allocator,
    query: query_module.Query,
    posts: Posts = .empty,
    before: i64 = std.math.maxInt(i64),
    is_complete: bool = false,
    /// Of the current page.
    outcome: ?anyerror!void = null,

    fn onDone(query: *query_module.Query, outcome: query_module.Outcome) void {
        const reading: *Reading = @fieldParentPtr("query", query);
        reading.outcome = if (outcome == .done) reading.take(outcome.done) else error.PostsCannotBeRead;
    }

    fn take(reading: *Reading, page: query_module.Outcome.Result) !void {
        var rows = page.rows;
        while (try rows.next(statements.Post)) |post| {
            try reading.posts.put(reading.allocator, post.id, try cache.Entry.write(reading.allocator, &post));
            reading.before = post.id;
        }
        reading.is_complete = page.count < page_size;
    }
};

/// The id of the post that is asked for. Null: something else is, and was answered.
pub fn idOf(request: *Request) ?i64 {
    const path = request.head.path;
    if (api.match("/api/posts/{id}", path)) |id| return id;
    const is_health = std.mem.eql(u8, path, "/healthz") or std.mem.eql(u8, path, "/readyz");
    answerEmpty(request, if (is_health) .ok else .not_found);
    return null;
}

pub fn answerEmpty(request: *Request, status: std.http.Status) void {
    request.respond(.{ .status = status, .body = .{ .kept = "" } });
}

/// Answers as the API does with a cached post.
pub fn answer(request: *Request, entry: cache.Entry, body: response.Body) void {
    var buffer: [cache.Entry.max_fields]u8 = undefined;
    request.respond(.{
        .status = .ok,
        .fields = entry.fields(&buffer, "HIT"),
        .content_type = "application/json",
        .body = body,
    });
}
