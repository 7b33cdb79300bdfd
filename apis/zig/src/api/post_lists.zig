//! GET /api/posts.

const std = @import("std");
const Api = @import("api.zig").Api;
const json = @import("../json/writer.zig");
const message = @import("../postgres/message.zig");
const page_query = @import("page_query.zig");
const post_cache = @import("post_cache.zig");
const problem = @import("problem.zig");
const query_module = @import("../postgres/query.zig");
const redis = @import("../redis/client.zig");
const Request = @import("../http/request.zig").Request;
const response = @import("../http/response.zig");
const statements = @import("statements.zig");
const view = @import("view.zig");

const Query = query_module.Query;

/// Octets of a page of twenty posts, about.
const usual_page = 48 << 10;

pub const Listing = struct {
    api: *Api,
    request: *Request,
    page: page_query.PageQuery,
    command: redis.Command = .{ .done = onCached },
    query: Query = undefined,
    /// The page, written as its rows arrive.
    body: json.Buffer = .empty,
    items: usize = 0,
    last_id: i64 = 0,
    has_more: bool = false,
    out_of_memory: bool = false,

    pub fn start(api: *Api, request: *Request) std.mem.Allocator.Error!void {
        var errors: page_query.Errors = .{};
        const page = page_query.parse(request.head.query, &errors);
        if (errors.len != 0) return problem.answerInvalid(request, errors.constSlice());
        const listing = try request.allocator().create(Listing);
        listing.* = .{ .api = api, .request = request, .page = page };
        if (!page.isFirstPage()) return listing.ask();
        post_cache.get(api.redis, &listing.command, .first_page);
    }

    fn onCached(command: *redis.Command, outcome: redis.Outcome) void {
        const listing: *Listing = @fieldParentPtr("command", command);
        if (post_cache.found(outcome)) |value| return answer(listing.request, .{ .passing = value });
        listing.ask();
    }

    fn ask(listing: *Listing) void {
        // One more than asked for tells whether there is a next page.
        const limit: message.Parameter = .{ .integer = @as(i64, listing.page.limit) + 1 };
        listing.query = if (listing.page.before) |before|
            .init(&statements.posts_before, &.{ limit, .{ .integer = before } }, onRow, onFound)
        else
            .init(&statements.last_posts, &.{limit}, onRow, onFound);
        listing.api.postgres.execute(&listing.query);
    }

    fn onRow(query: *Query, row: *message.Row) message.Error!void {
        const listing: *Listing = @fieldParentPtr("query", query);
        if (listing.items == listing.page.limit) {
            listing.has_more = true;
            return;
        }
        const post: statements.Post = try .read(row);
        listing.items += 1;
        listing.last_id = post.id;
        listing.append(&post) catch {
            listing.out_of_memory = true;
        };
    }

    fn append(listing: *Listing, post: *const statements.Post) std.mem.Allocator.Error!void {
        const allocator = listing.request.allocator();
        if (listing.items == 1) {
            try listing.body.ensureTotalCapacity(allocator, usual_page);
            try listing.body.appendSlice(allocator, view.page_start);
        } else {
            try listing.body.append(allocator, ',');
        }
        try view.post(&listing.body, allocator, post);
    }

    fn onFound(query: *Query, outcome: query_module.Outcome) void {
        const listing: *Listing = @fieldParentPtr("query", query);
        if (outcome != .done) return listing.api.statementFailed(listing.request, outcome);
        listing.finish() catch {
            listing.out_of_memory = true;
        };
        if (listing.out_of_memory) return listing.api.outOfMemory(listing.request);
        if (!listing.page.isFirstPage()) return answer(listing.request, .{ .kept = listing.body.items });
        listing.command = .{ .done = onStored };
        post_cache.set(listing.api.redis, &listing.command, .first_page, listing.body.items);
    }

    fn finish(listing: *Listing) std.mem.Allocator.Error!void {
        const allocator = listing.request.allocator();
        if (listing.items == 0) try listing.body.appendSlice(allocator, view.page_start);
        try view.pageEnd(&listing.body, allocator, if (listing.has_more) listing.last_id else null);
    }

    fn onStored(command: *redis.Command, _: redis.Outcome) void {
        const listing: *Listing = @fieldParentPtr("command", command);
        answer(listing.request, .{ .kept = listing.body.items });
    }
};

fn answer(request: *Request, body: response.Body) void {
    request.respond(.{ .status = 200, .content_type = "application/json", .body = body });
}
