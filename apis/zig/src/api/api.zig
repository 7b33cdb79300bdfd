//! The API as one loop serves it: finds the endpoint of a request, and has what
//! all endpoints share.

const std = @import("std");
const files = @import("files.zig");
const hasher_module = @import("../password/hasher.zig");
const health = @import("health.zig");
const log_module = @import("../log.zig");
const loop_module = @import("../event/loop.zig");
const postgres = @import("../postgres/pool.zig");
const post_lists = @import("post_lists.zig");
const post_reads = @import("post_reads.zig");
const post_writes = @import("post_writes.zig");
const problem = @import("problem.zig");
const query_module = @import("../postgres/query.zig");
const redis = @import("../redis/client.zig");
const request_module = @import("../http/request.zig");
const route = @import("route.zig");
const token_module = @import("../token/token.zig");
const upload = @import("../upload/directory.zig");
const users = @import("users.zig");

const Request = request_module.Request;

pub const Api = struct {
    allocator: std.mem.Allocator,
    loop: *loop_module.Loop,
    log: *log_module.Log,
    postgres: *postgres.Client,
    redis: *redis.Client,
    hasher: *hasher_module.Hasher,
    tokens: *const token_module.Authority,
    uploads: upload.Directory,

    pub fn handler(api: *Api) request_module.Handler {
        return .{ .context = api, .handle = handle };
    }

    fn handle(context: *anyopaque, request: *Request) void {
        const api: *Api = @ptrCast(@alignCast(context));
        const resource = route.find(request.head.path) orelse return problem.no_path.answer(request);
        api.dispatch(request, resource) catch |failure| switch (failure) {
            error.OutOfMemory => api.outOfMemory(request),
            error.Refused => problem.bad_token.answer(request),
        };
    }

    fn dispatch(api: *Api, request: *Request, resource: route.Resource) token_module.VerifyError!void {
        const method: route.Method = .of(request.head.method);
        switch (resource) {
            .health => if (method == .read) return health.answerHealth(request),
            .readiness => if (method == .read) return health.Readiness.start(api, request),
            .users => if (method == .post) return users.Registration.start(api, request),
            .login => if (method == .post) return users.Login.start(api, request),
            .me => if (method == .read) return users.Reading.startMe(api, request, try api.authenticate(request)),
            .user => |id| if (method == .read) return users.Reading.start(api, request, id),
            .posts => switch (method) {
                .read => return post_lists.Listing.start(api, request),
                .post => return post_writes.Creation.start(api, request, try api.authenticate(request)),
                else => {},
            },
            .post => |id| switch (method) {
                .read => return post_reads.Reading.start(api, request, id),
                .put => return post_writes.Update.start(api, request, id, try api.authenticate(request)),
                .delete => return post_writes.Deletion.start(api, request, id, try api.authenticate(request)),
                else => {},
            },
            .files => if (method == .post) return files.Upload.start(api, request, try api.authenticate(request)),
            .file => |id| if (method == .read) return files.Download.start(api, request, id),
        }
        problem.answerBadMethod(request, route.allow(resource));
    }

    /// Whom the access token of the request speaks for.
    fn authenticate(api: *Api, request: *Request) token_module.VerifyError!token_module.User {
        const value = request.head.single("authorization") orelse return error.Refused;
        const scheme = "bearer ";
        if (!std.ascii.startsWithIgnoreCase(value, scheme)) return error.Refused;
        const token = std.mem.trimLeft(u8, value[scheme.len..], " ");
        return api.tokens.verify(token, std.time.timestamp(), request.allocator());
    }

    // Answers to what went wrong behind the API.

    pub fn outOfMemory(api: *Api, request: *Request) void {
        api.internal(request, "no memory is left");
    }

    /// Answers 500 and logs why.
    pub fn internal(api: *Api, request: *Request, cause: []const u8) void {
        api.log.write(.@"error", "internal error", .{ .path = request.head.path, .cause = cause });
        problem.internal.answer(request);
    }

    /// Answers 503 and logs why, once a second.
    pub fn unavailable(api: *Api, request: *Request, cause: []const u8) void {
        api.logUnavailable(cause);
        problem.unavailable.answer(request);
    }

    pub fn logUnavailable(api: *Api, cause: []const u8) void {
        api.log.writeLimited(.postgres, .@"error", "service unavailable", .{ .cause = cause });
    }

    /// Answers a statement that has failed in no way that its endpoint expects.
    pub fn statementFailed(api: *Api, request: *Request, outcome: query_module.Outcome) void {
        switch (outcome) {
            .unavailable => |cause| api.unavailable(request, cause.slice()),
            .malformed => api.internal(request, "PostgreSQL has sent another answer than was expected"),
            .out_of_memory => api.outOfMemory(request),
            .failed => |failure| {
                api.log.write(.@"error", "internal error", .{
                    .path = request.head.path,
                    .cause = failure.message.slice(),
                    .sqlstate = @as([]const u8, &failure.code),
                });
                problem.internal.answer(request);
            },
            .done => api.internal(request, "PostgreSQL has returned another number of rows"),
        }
    }
};
