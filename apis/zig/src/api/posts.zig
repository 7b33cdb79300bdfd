//! Posts: read through the cache, written past it.

const std = @import("std");
const json = @import("../json.zig");
const cache = @import("cache.zig");
const call_module = @import("call.zig");
const problem = @import("problem.zig");
const response = @import("../http/response.zig");
const statements = @import("statements.zig");
const validate = @import("validate.zig");

const Call = call_module.Call;
const Outcome = call_module.Outcome;
const Rows = call_module.Rows;

/// GET /api/posts/{id}.
pub fn show(call: *Call) !void {
    var key: [cache.max_key]u8 = undefined;
    call.ask(&.{ "GET", cache.postKey(&key, call.id) }, onCachedPost);
}

fn onCachedPost(call: *Call, value: ?[]const u8) !void {
    if (cache.Entry.parse(value orelse "")) |entry| return answerPost(call, entry, .{ .passing = entry.json }, "HIT");
    call.execute(&statements.post_by_id, &.{.{ .integer = call.id }}, storePost);
}

fn storePost(call: *Call, rows: *Rows) !void {
    const post = try rows.next(statements.Post) orelse return error.NoSuchPost;
    const value = try cache.Entry.write(call.allocator(), &post);
    try call.keep(value);
    var key: [cache.max_key]u8 = undefined;
    call.ask(&.{ "SET", cache.postKey(&key, call.id), value, "EX", cache.post_lifetime }, onStoredPost);
}

fn onStoredPost(call: *Call, _: ?[]const u8) !void {
    const entry = cache.Entry.parse(call.get([]const u8).*).?; // as `write` wrote it
    answerPost(call, entry, .{ .kept = entry.json }, "MISS");
}

fn answerPost(call: *Call, entry: cache.Entry, body: response.Body, comptime where: []const u8) void {
    var buffer: [cache.Entry.max_fields]u8 = undefined;
    const fields = entry.fields(&buffer, where);
    const known = call.request.head.get("if-none-match") orelse "";
    if (std.mem.eql(u8, known, entry.etag)) {
        return call.request.respond(.{ .status = .not_modified, .fields = fields, .body = .none });
    }
    call.jsonText(.ok, fields, body);
}

/// GET /api/posts.
pub fn list(call: *Call) !void {
    var errors: validate.Errors = .{};
    const page: validate.Page = try .parse(call.allocator(), call.request.head.query, &errors);
    if (errors.len != 0) return problem.answerInvalid(call.request, &errors);
    try call.keep(page);
    if (page.isFirst()) call.ask(&.{ "GET", cache.first_page }, onCachedPage) else selectPage(call, page);
}

fn onCachedPage(call: *Call, value: ?[]const u8) !void {
    if (value) |text| return call.jsonText(.ok, "", .{ .passing = text });
    selectPage(call, call.get(validate.Page).*);
}

fn selectPage(call: *Call, page: validate.Page) void {
    // One more than asked for shows whether there is a next page.
    const limit: call_module.Parameter = .{ .integer = @as(i64, page.limit) + 1 };
    if (page.before) |before| {
        call.execute(&statements.posts_before, &.{ limit, .{ .integer = before } }, onPage);
    } else {
        call.execute(&statements.last_posts, &.{limit}, onPage);
    }
}

fn onPage(call: *Call, rows: *Rows) !void {
    const page = call.get(validate.Page).*;
    var items: std.ArrayListUnmanaged(statements.Post) = try .initCapacity(call.allocator(), page.limit);
    var has_more = false;
    while (try rows.next(statements.Post)) |post| {
        has_more = items.items.len == page.limit;
        if (!has_more) items.appendAssumeCapacity(post);
    }
    const next_before: ?i64 = if (has_more) items.getLast().id else null;
    const answer = .{ .items = items.items, .next_before = next_before };
    if (!page.isFirst()) return call.json(.ok, "", answer);
    const text = try json.stringify(call.allocator(), answer);
    try call.keep(text);
    call.ask(&.{ "SET", cache.first_page, text, "EX", cache.first_page_lifetime }, onStoredPage);
}

fn onStoredPage(call: *Call, _: ?[]const u8) !void {
    call.jsonText(.ok, "", .{ .kept = call.get([]const u8).* });
}

const Content = struct {
    title: []const u8,
    body: []const u8,

    pub const rules = .{ .title = validate.title, .body = validate.body };
};

/// POST /api/posts.
pub fn create(call: *Call) !void {
    try call.readJson(Content, insertPost);
}

fn insertPost(call: *Call, input: *Content) !void {
    call.execute(&statements.insert_post, &.{ .{ .integer = call.caller.id }, .{ .text = input.title }, .{ .text = input.body } }, showNewPost);
}

fn showNewPost(call: *Call, rows: *Rows) !void {
    const row = try rows.next(statements.NewPost) orelse return error.NoRow;
    const location = try std.fmt.allocPrint(call.allocator(), "Location: /api/posts/{d}\r\n", .{row.id});
    try call.json(.created, location, writtenPost(call, row.id, row));
}

/// What was written, by whom, and what PostgreSQL has added to it.
fn writtenPost(call: *Call, id: i64, row: anytype) statements.Post {
    const input = call.get(Content);
    return .{
        .id = id,
        .author = .{ .id = call.caller.id, .username = call.caller.name },
        .title = input.title,
        .body = input.body,
        .version = row.version,
        .created_at = row.created_at,
        .updated_at = row.updated_at,
    };
}

/// PUT /api/posts/{id}.
pub fn update(call: *Call) !void {
    try call.readJson(Content, updatePost);
}

fn updatePost(call: *Call, input: *Content) !void {
    call.tryExecute(&statements.update_post, &.{
        .{ .integer = call.id }, .{ .integer = call.caller.id }, .{ .text = input.title }, .{ .text = input.body },
    }, keepUpdatedPost);
}

fn keepUpdatedPost(call: *Call, outcome: Outcome) !void {
    if (outcome == .done and outcome.done.count != 0) keepRow(call, outcome.done.rows) catch |failure| {
        // The post has changed all the same, and the cache must not keep it.
        call.outcome = .{ .lost = call_module.cut(@errorName(failure)) };
    };
    return invalidatePost(call, answerUpdated);
}

fn keepRow(call: *Call, rows: Rows) !void {
    var rest = rows;
    const row = try rest.next(statements.UpdatedPost) orelse return error.NoRow;
    try call.keep(writtenPost(call, call.id, row));
}

fn answerUpdated(call: *Call) !void {
    if (call.outcome != .done) return call.failStatement(call.outcome);
    try call.json(.ok, "", call.get(statements.Post).*);
}

/// DELETE /api/posts/{id}.
pub fn delete(call: *Call) !void {
    call.tryExecute(&statements.delete_post, &.{ .{ .integer = call.id }, .{ .integer = call.caller.id } }, invalidateDeletedPost);
}

fn invalidateDeletedPost(call: *Call, _: Outcome) !void {
    return invalidatePost(call, answerDeleted);
}

fn answerDeleted(call: *Call) !void {
    if (call.outcome != .done) return call.failStatement(call.outcome);
    call.request.respond(.{ .status = .no_content, .body = .none });
}

/// After an UPDATE or DELETE, whether the client is still there or not. Redis is asked a
/// second time if the first fails: what it keeps would be served for ten minutes.
fn invalidatePost(call: *Call, comptime next: fn (*Call) anyerror!void) !void {
    switch (call.outcome) {
        .done => |result| if (result.count == 0) {
            return call.execute(&statements.post_exists, &.{.{ .integer = call.id }}, refuseChange);
        },
        .lost => {}, // the post may have been changed
        else => return call.failStatement(call.outcome),
    }
    const continuation = struct {
        fn onFirst(invalidating: *Call, reply: ?[]const u8) anyerror!void {
            if (reply != null) return next(invalidating);
            invalidateKey(invalidating, onSecond);
        }

        fn onSecond(invalidating: *Call, _: ?[]const u8) anyerror!void {
            return next(invalidating);
        }
    };
    invalidateKey(call, continuation.onFirst);
}

fn invalidateKey(call: *Call, comptime next: fn (*Call, ?[]const u8) anyerror!void) void {
    var key: [cache.max_key]u8 = undefined;
    call.invalidate(cache.postKey(&key, call.id), next);
}

fn refuseChange(_: *Call, rows: *Rows) !void {
    return if (rows.rest.len == 0) error.NoSuchPost else error.NotTheAuthor;
}
