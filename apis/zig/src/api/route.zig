//! What a path names, and the methods that it takes.

const std = @import("std");
const identifier = @import("../identifier.zig");

pub const Resource = union(enum) {
    health,
    readiness,
    users,
    me,
    user: i64,
    login,
    posts,
    post: i64,
    files,
    file: i64,
};

/// Paths match octet for octet, as they were sent.
pub fn find(path: []const u8) ?Resource {
    const fixed = std.StaticStringMap(Resource).initComptime(.{
        .{ "/healthz", .health },
        .{ "/readyz", .readiness },
        .{ "/api/users", .users },
        .{ "/api/users/me", .me },
        .{ "/api/auth/login", .login },
        .{ "/api/posts", .posts },
        .{ "/api/files", .files },
    });
    if (idBehind(path, "/api/posts/")) |id| return .{ .post = id };
    if (fixed.get(path)) |resource| return resource;
    if (idBehind(path, "/api/users/")) |id| return .{ .user = id };
    if (idBehind(path, "/api/files/")) |id| return .{ .file = id };
    return null;
}

fn idBehind(path: []const u8, prefix: []const u8) ?i64 {
    if (!std.mem.startsWith(u8, path, prefix)) return null;
    return identifier.parse(path[prefix.len..]);
}

pub const Method = enum {
    /// GET, and HEAD: which of the two it was matters when the answer is written.
    read,
    post,
    put,
    delete,
    other,

    pub fn of(method: []const u8) Method {
        const known = std.StaticStringMap(Method).initComptime(.{
            .{ "GET", .read },
            .{ "HEAD", .read },
            .{ "POST", .post },
            .{ "PUT", .put },
            .{ "DELETE", .delete },
        });
        return known.get(method) orelse .other;
    }
};

/// The header line that names the methods of a resource.
pub fn allow(resource: Resource) []const u8 {
    return switch (resource) {
        .health, .readiness, .me, .user, .file => "Allow: GET, HEAD\r\n",
        .users, .login, .files => "Allow: POST\r\n",
        .posts => "Allow: GET, HEAD, POST\r\n",
        .post => "Allow: DELETE, GET, HEAD, PUT\r\n",
    };
}
