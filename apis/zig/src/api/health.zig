//! Whether the process answers, and whether what it needs does.

const std = @import("std");
const Api = @import("api.zig").Api;
const loop_module = @import("../event/loop.zig");
const message = @import("../postgres/message.zig");
const query_module = @import("../postgres/query.zig");
const redis = @import("../redis/client.zig");
const Request = @import("../http/request.zig").Request;
const statements = @import("statements.zig");

/// How long PostgreSQL has to answer; Redis has the time of any command.
const postgres_limit: loop_module.Delay = .s_2;

pub fn answerHealth(request: *Request) void {
    request.respond(.{ .status = 200, .content_type = "application/json", .body = .{ .kept = "{\"status\":\"ok\"}" } });
}

/// Asks both services at once. It lasts until both have answered, though the
/// request may be answered before.
pub const Readiness = struct {
    api: *Api,
    request: ?*Request,
    query: query_module.Query,
    command: redis.Command = .{ .done = onRedis },
    timer: loop_module.Timer = .{ .expired = onPostgresTooLate },
    postgres: ?bool = null,
    redis: ?bool = null,
    query_is_done: bool = false,
    /// Why PostgreSQL is down, if it is.
    cause: message.Text = .of("PostgreSQL doesn't answer"),

    pub fn start(api: *Api, request: *Request) std.mem.Allocator.Error!void {
        const readiness = try api.allocator.create(Readiness);
        readiness.* = .{
            .api = api,
            .request = request,
            .query = .init(&statements.ready, &.{}, statements.ignoreRow, onPostgres),
        };
        api.loop.startTimer(&readiness.timer, postgres_limit);
        api.redis.sendAnyway(&readiness.command, &.{"PING"});
        api.postgres.execute(&readiness.query);
    }

    fn onRedis(command: *redis.Command, outcome: redis.Outcome) void {
        const readiness: *Readiness = @fieldParentPtr("command", command);
        readiness.redis = outcome == .reply;
        readiness.settle();
    }

    fn onPostgres(query: *query_module.Query, outcome: query_module.Outcome) void {
        const readiness: *Readiness = @fieldParentPtr("query", query);
        readiness.query_is_done = true;
        if (outcome == .unavailable) readiness.cause = outcome.unavailable;
        if (readiness.postgres == null) readiness.postgres = outcome == .done;
        readiness.settle();
    }

    fn onPostgresTooLate(timer: *loop_module.Timer) void {
        const readiness: *Readiness = @fieldParentPtr("timer", timer);
        if (readiness.postgres == null) readiness.postgres = false;
        readiness.settle();
    }

    fn settle(readiness: *Readiness) void {
        const postgres = readiness.postgres orelse return;
        const redis_is_up = readiness.redis orelse return;
        readiness.api.loop.stopTimer(&readiness.timer);
        const request = readiness.request;
        readiness.request = null;
        const api = readiness.api;
        const cause: message.Text = if (postgres) .of("Redis doesn't answer") else readiness.cause;
        if (readiness.query_is_done) api.allocator.destroy(readiness);
        const asker = request orelse return;
        if (!postgres or !redis_is_up) api.logUnavailable(cause.slice());
        answer(asker, postgres, redis_is_up);
    }

    fn answer(request: *Request, postgres: bool, redis_is_up: bool) void {
        const body = if (postgres)
            if (redis_is_up) "{\"postgres\":\"up\",\"redis\":\"up\"}" else "{\"postgres\":\"up\",\"redis\":\"down\"}"
        else if (redis_is_up) "{\"postgres\":\"down\",\"redis\":\"up\"}" else "{\"postgres\":\"down\",\"redis\":\"down\"}";
        request.respond(.{
            .status = if (postgres and redis_is_up) 200 else 503,
            .content_type = "application/json",
            .body = .{ .kept = body },
        });
    }
};
