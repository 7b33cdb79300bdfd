//! The routes of the API.

const std = @import("std");
const call_module = @import("call.zig");
const files = @import("files.zig");
const Hasher = @import("hasher.zig").Hasher;
const health = @import("health.zig");
const http = @import("../http/request.zig");
const loop_module = @import("../event/loop.zig");
const postgres = @import("../postgres/pool.zig");
const posts = @import("posts.zig");
const problem = @import("problem.zig");
const redis = @import("../redis/client.zig");
const token = @import("token.zig");
const Directory = @import("directory.zig").Directory;
const users = @import("users.zig");
const validate = @import("validate.zig");

const Call = call_module.Call;

const Route = struct {
    method: []const u8,
    /// Ends in `{id}` where an id follows.
    path: []const u8,
    handler: *const fn (*Call) anyerror!void,
    access: enum { everybody, user } = .everybody,
};

const routes = [_]Route{
    .{ .method = "GET", .path = "/api/posts/{id}", .handler = posts.show },
    .{ .method = "PUT", .path = "/api/posts/{id}", .handler = posts.update, .access = .user },
    .{ .method = "DELETE", .path = "/api/posts/{id}", .handler = posts.delete, .access = .user },
    .{ .method = "GET", .path = "/api/posts", .handler = posts.list },
    .{ .method = "POST", .path = "/api/posts", .handler = posts.create, .access = .user },
    .{ .method = "GET", .path = "/api/users/{id}", .handler = users.show },
    .{ .method = "GET", .path = "/api/users/me", .handler = users.showMe, .access = .user },
    .{ .method = "POST", .path = "/api/users", .handler = users.register },
    .{ .method = "POST", .path = "/api/auth/login", .handler = users.login },
    .{ .method = "GET", .path = "/api/files/{id}", .handler = files.download },
    .{ .method = "POST", .path = "/api/files", .handler = files.upload, .access = .user },
    .{ .method = "GET", .path = "/healthz", .handler = health.alive },
    .{ .method = "GET", .path = "/readyz", .handler = health.ready },
};

/// The API as one loop serves it.
pub const Api = struct {
    memory: std.mem.Allocator,
    /// The text of an answer, as long as it is being made.
    text: std.ArrayListUnmanaged(u8) = .empty,
    loop: *loop_module.Loop,
    postgres: *postgres.Client,
    redis: *redis.Client,
    hasher: *Hasher,
    tokens: *const token.Authority,
    uploads: Directory,

    pub fn handler(api: *Api) http.Handler {
        return .{ .context = api, .handle = handle };
    }

    fn handle(context: *anyopaque, request: *http.Request) void {
        const api: *Api = @ptrCast(@alignCast(context));
        const call = request.allocator().create(Call) catch {
            std.log.err("{s} {s} 500: no memory is left", .{ request.head.method, request.head.path });
            return problem.answer(request, problem.internal);
        };
        call.* = .{ .api = api, .request = request };
        call.attempt(api.dispatch(call));
    }

    fn dispatch(api: *Api, call: *Call) !void {
        const head = &call.request.head;
        // HEAD is GET; the server leaves the body out.
        const method = if (std.mem.eql(u8, head.method, "HEAD")) "GET" else head.method;
        var found_path = false;
        for (&routes) |*route| {
            call.id = match(route.path, head.path) orelse continue;
            found_path = true;
            if (!std.mem.eql(u8, route.method, method)) continue;
            if (route.access == .user) call.caller = try api.authenticate(call.request);
            return route.handler(call);
        }
        if (!found_path) return error.NoSuchPath;
        problem.answerMethod(call.request, try allowed(call.allocator(), head.path));
    }

    /// Who the access token of the request speaks for.
    fn authenticate(api: *Api, request: *http.Request) token.Error!token.User {
        const value = request.head.get("authorization") orelse return error.InvalidToken;
        const scheme = "bearer ";
        if (!std.ascii.startsWithIgnoreCase(value, scheme)) return error.InvalidToken;
        const credentials = std.mem.trimLeft(u8, value[scheme.len..], " ");
        return api.tokens.verify(request.allocator(), credentials, std.time.timestamp());
    }
};

/// The header line with the methods that a path takes.
pub fn allowed(allocator: std.mem.Allocator, path: []const u8) ![]const u8 {
    var line: std.ArrayListUnmanaged(u8) = .empty;
    for (&routes) |*route| {
        if (match(route.path, path) == null) continue;
        try line.appendSlice(allocator, if (line.items.len == 0) "Allow: " else ", ");
        try line.appendSlice(allocator, if (std.mem.eql(u8, route.method, "GET")) "GET, HEAD" else route.method);
    }
    try line.appendSlice(allocator, "\r\n");
    return line.items;
}

/// The id in a path, 0 if its route has none, null if it isn't of the route.
pub fn match(route: []const u8, path: []const u8) ?i64 {
    if (std.mem.endsWith(u8, route, "{id}")) {
        const prefix = route[0 .. route.len - "{id}".len];
        return if (std.mem.startsWith(u8, path, prefix)) validate.id(path[prefix.len..]) else null;
    }
    return if (std.mem.eql(u8, route, path)) 0 else null;
}
