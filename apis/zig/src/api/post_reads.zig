//! GET /api/posts/{id}.

const std = @import("std");
const Api = @import("api.zig").Api;
const entity_tag = @import("entity_tag.zig");
const json = @import("../json/writer.zig");
const message = @import("../postgres/message.zig");
const post_cache = @import("post_cache.zig");
const problem = @import("problem.zig");
const query_module = @import("../postgres/query.zig");
const redis = @import("../redis/client.zig");
const Request = @import("../http/request.zig").Request;
const response = @import("../http/response.zig");
const statements = @import("statements.zig");
const view = @import("view.zig");

const Query = query_module.Query;

pub const Reading = struct {
    api: *Api,
    request: *Request,
    id: i64,
    command: redis.Command = .{ .done = onCached },
    query: Query = undefined,
    /// The value for Redis: tag, newline, and JSON.
    value: json.Buffer = .empty,
    out_of_memory: bool = false,

    pub fn start(api: *Api, request: *Request, id: i64) std.mem.Allocator.Error!void {
        const reading = try request.allocator().create(Reading);
        reading.* = .{ .api = api, .request = request, .id = id };
        post_cache.get(api.redis, &reading.command, .{ .post = id });
    }

    fn onCached(command: *redis.Command, outcome: redis.Outcome) void {
        const reading: *Reading = @fieldParentPtr("command", command);
        if (post_cache.found(outcome)) |value| {
            if (post_cache.Entry.parse(value)) |entry| {
                return answer(reading.request, entry.etag, .{ .passing = entry.body }, "HIT");
            }
        }
        reading.query = .init(&statements.post_by_id, &.{.{ .integer = reading.id }}, onRow, onFound);
        reading.api.postgres.execute(&reading.query);
    }

    fn onRow(query: *Query, row: *message.Row) message.Error!void {
        const reading: *Reading = @fieldParentPtr("query", query);
        const post: statements.Post = try .read(row);
        reading.encode(&post) catch {
            reading.out_of_memory = true;
        };
    }

    fn encode(reading: *Reading, post: *const statements.Post) std.mem.Allocator.Error!void {
        const allocator = reading.request.allocator();
        var etag: [view.max_etag]u8 = undefined;
        try reading.value.appendSlice(allocator, view.etag(post.id, post.version, &etag));
        try reading.value.append(allocator, '\n');
        try view.post(&reading.value, allocator, post);
    }

    fn onFound(query: *Query, outcome: query_module.Outcome) void {
        const reading: *Reading = @fieldParentPtr("query", query);
        if (outcome != .done) return reading.api.statementFailed(reading.request, outcome);
        if (reading.out_of_memory) return reading.api.outOfMemory(reading.request);
        if (outcome.done == 0) return problem.no_post.answer(reading.request);
        reading.command = .{ .done = onStored };
        post_cache.set(reading.api.redis, &reading.command, .{ .post = reading.id }, reading.value.items);
    }

    fn onStored(command: *redis.Command, _: redis.Outcome) void {
        const reading: *Reading = @fieldParentPtr("command", command);
        const entry = post_cache.Entry.parse(reading.value.items).?; // as `encode` wrote it
        answer(reading.request, entry.etag, .{ .kept = entry.body }, "MISS");
    }
};

fn answer(request: *Request, etag: []const u8, body: response.Body, comptime cache: []const u8) void {
    var buffer: [256]u8 = undefined;
    const fields = std.fmt.bufPrint(&buffer, "ETag: {s}\r\nX-Cache: " ++ cache ++ "\r\n", .{etag}) catch unreachable; // a tag is far shorter
    if (entity_tag.matches(&request.head, etag)) {
        return request.respond(.{ .status = 304, .fields = fields, .body = .none });
    }
    request.respond(.{ .status = 200, .fields = fields, .content_type = "application/json", .body = body });
}
