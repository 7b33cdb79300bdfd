//! Creating, updating and deleting posts.

const std = @import("std");
const Api = @import("api.zig").Api;
const fields = @import("fields.zig");
const json = @import("../json/writer.zig");
const json_body = @import("json_body.zig");
const message = @import("../postgres/message.zig");
const post_cache = @import("post_cache.zig");
const problem = @import("problem.zig");
const query_module = @import("../postgres/query.zig");
const redis = @import("../redis/client.zig");
const Request = @import("../http/request.zig").Request;
const statements = @import("statements.zig");
const token_module = @import("../token/token.zig");
const view = @import("view.zig");

const JsonBody = json_body.JsonBody;
const Query = query_module.Query;

/// The fields of both bodies.
const post_fields = [2]json_body.Field{
    .{ .name = "title", .rule = fields.title },
    .{ .name = "body", .rule = fields.body },
};

/// POST /api/posts.
pub const Creation = struct {
    api: *Api,
    request: *Request,
    caller: token_module.User,
    fields: [2]json_body.Field = post_fields,
    body: JsonBody,
    query: Query = undefined,
    post: statements.Post = undefined,

    pub fn start(api: *Api, request: *Request, caller: token_module.User) std.mem.Allocator.Error!void {
        const creation = try request.allocator().create(Creation);
        creation.* = .{ .api = api, .request = request, .caller = caller, .body = undefined };
        creation.body = .init(api, request, &creation.fields, onAccepted);
        creation.body.read();
    }

    fn onAccepted(body: *JsonBody) void {
        const creation: *Creation = @fieldParentPtr("body", body);
        const parameters = [_]message.Parameter{
            .{ .integer = creation.caller.id },
            .{ .text = creation.fields[0].value },
            .{ .text = creation.fields[1].value },
        };
        creation.query = .init(&statements.insert_post, &parameters, onRow, onInserted);
        creation.api.postgres.execute(&creation.query);
    }

    fn onRow(query: *Query, row: *message.Row) message.Error!void {
        const creation: *Creation = @fieldParentPtr("query", query);
        creation.post = .{
            .id = try row.integer(),
            .author_id = creation.caller.id,
            .author_name = creation.caller.name,
            .title = creation.fields[0].value,
            .body = creation.fields[1].value,
            .version = try row.integer(),
            .created_at = try row.time(),
            .updated_at = try row.time(),
        };
    }

    fn onInserted(query: *Query, outcome: query_module.Outcome) void {
        const creation: *Creation = @fieldParentPtr("query", query);
        const request = creation.request;
        switch (outcome) {
            .done => |rows| if (rows == 1) return creation.answer() catch creation.api.outOfMemory(request),
            // The token is good, but its user isn't there.
            .failed => |failure| if (statements.isForeignKeyViolation(&failure)) return problem.bad_token.answer(request),
            else => {},
        }
        creation.api.statementFailed(request, outcome);
    }

    fn answer(creation: *Creation) std.mem.Allocator.Error!void {
        const allocator = creation.request.allocator();
        var body: json.Buffer = .empty;
        try view.post(&body, allocator, &creation.post);
        creation.request.respond(.{
            .status = 201,
            .fields = try std.fmt.allocPrint(allocator, "Location: /api/posts/{d}\r\n", .{creation.post.id}),
            .content_type = "application/json",
            .body = .{ .kept = body.items },
        });
    }
};

/// A statement that changes one post of the caller's, and what follows it
/// whichever it is. It goes on where the client has gone.
const Change = struct {
    api: *Api,
    request: *Request,
    id: i64,
    query: Query = undefined,
    command: redis.Command = .{ .done = onForgotten },
    outcome: query_module.Outcome = undefined,
    /// Answers once the change is done, and the cache told.
    done: *const fn (*Change) void,

    fn execute(change: *Change, statement: *const query_module.Statement, parameters: []const message.Parameter, row: query_module.OnRow) void {
        change.query = .init(statement, parameters, row, onChanged);
        change.api.postgres.execute(&change.query);
    }

    fn onChanged(query: *Query, outcome: query_module.Outcome) void {
        const change: *Change = @fieldParentPtr("query", query);
        change.outcome = outcome;
        if (outcome == .failed) return change.api.statementFailed(change.request, outcome);
        if (outcome == .done and outcome.done == 0) {
            change.query = .init(&statements.post_exists, &.{.{ .integer = change.id }}, statements.ignoreRow, onLookedFor);
            return change.api.postgres.execute(&change.query);
        }
        // Also where the connection has ended: the change may have been made.
        post_cache.delete(change.api.redis, &change.command, .{ .post = change.id });
    }

    /// Nothing was changed, for one of two reasons.
    fn onLookedFor(query: *Query, outcome: query_module.Outcome) void {
        const change: *Change = @fieldParentPtr("query", query);
        if (outcome != .done) return change.api.statementFailed(change.request, outcome);
        const reason = if (outcome.done == 0) &problem.no_post else &problem.not_owner;
        reason.answer(change.request);
    }

    fn onForgotten(command: *redis.Command, _: redis.Outcome) void {
        const change: *Change = @fieldParentPtr("command", command);
        if (change.outcome == .done) change.done(change) else change.api.statementFailed(change.request, change.outcome);
    }
};

/// PUT /api/posts/{id}.
pub const Update = struct {
    caller: token_module.User,
    fields: [2]json_body.Field = post_fields,
    body: JsonBody,
    change: Change,
    post: statements.Post = undefined,

    pub fn start(api: *Api, request: *Request, id: i64, caller: token_module.User) std.mem.Allocator.Error!void {
        const update = try request.allocator().create(Update);
        update.* = .{
            .caller = caller,
            .body = undefined,
            .change = .{ .api = api, .request = request, .id = id, .done = onDone },
        };
        update.body = .init(api, request, &update.fields, onAccepted);
        update.body.read();
    }

    fn onAccepted(body: *JsonBody) void {
        const update: *Update = @fieldParentPtr("body", body);
        const parameters = [_]message.Parameter{
            .{ .integer = update.change.id },
            .{ .integer = update.caller.id },
            .{ .text = update.fields[0].value },
            .{ .text = update.fields[1].value },
        };
        update.change.execute(&statements.update_post, &parameters, onRow);
    }

    fn onRow(query: *Query, row: *message.Row) message.Error!void {
        const change: *Change = @fieldParentPtr("query", query);
        const update: *Update = @fieldParentPtr("change", change);
        update.post = .{
            .id = change.id,
            .author_id = update.caller.id,
            .author_name = update.caller.name,
            .title = update.fields[0].value,
            .body = update.fields[1].value,
            .version = try row.integer(),
            .created_at = try row.time(),
            .updated_at = try row.time(),
        };
    }

    fn onDone(change: *Change) void {
        const update: *Update = @fieldParentPtr("change", change);
        var body: json.Buffer = .empty;
        view.post(&body, change.request.allocator(), &update.post) catch return change.api.outOfMemory(change.request);
        change.request.respond(.{ .status = 200, .content_type = "application/json", .body = .{ .kept = body.items } });
    }
};

/// DELETE /api/posts/{id}.
pub const Deletion = struct {
    change: Change,

    pub fn start(api: *Api, request: *Request, id: i64, caller: token_module.User) std.mem.Allocator.Error!void {
        const deletion = try request.allocator().create(Deletion);
        deletion.* = .{ .change = .{ .api = api, .request = request, .id = id, .done = onDone } };
        const parameters = [_]message.Parameter{ .{ .integer = id }, .{ .integer = caller.id } };
        deletion.change.execute(&statements.delete_post, &parameters, statements.ignoreRow);
    }

    fn onDone(change: *Change) void {
        change.request.respond(.{ .status = 204, .body = .none });
    }
};
