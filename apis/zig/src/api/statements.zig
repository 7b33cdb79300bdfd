//! The statements of the API, and the rows that they return. Each request sends
//! one of them; a refused change sends a second one that tells why.

const std = @import("std");
const message = @import("../postgres/message.zig");
const query = @import("../postgres/query.zig");

const Query = query.Query;
const Row = message.Row;
const Statement = query.Statement;

pub const ready: Statement = .{ .index = 0, .columns = 1, .sql = "SELECT 1" };

pub const insert_user: Statement = .{ .index = 1, .columns = 2, .sql = 
    \\INSERT INTO users (username, email, password_hash) VALUES ($1, $2, $3)
    \\RETURNING id, created_at
};

pub const user_by_email: Statement = .{ .index = 2, .columns = 3, .sql = 
    \\SELECT id, username, password_hash FROM users WHERE email = $1
};

pub const user_by_id: Statement = .{ .index = 3, .columns = 4, .sql = 
    \\SELECT id, username, email, created_at FROM users WHERE id = $1
};

const select_posts =
    \\SELECT posts.id, posts.author_id, users.username, posts.title, posts.body,
    \\    posts.version, posts.created_at, posts.updated_at
    \\FROM posts JOIN users ON users.id = posts.author_id
    \\
;

pub const post_by_id: Statement = .{ .index = 4, .columns = 8, .sql = select_posts ++ "WHERE posts.id = $1" };

pub const last_posts: Statement = .{ .index = 5, .columns = 8, .sql = select_posts ++ "ORDER BY posts.id DESC LIMIT $1" };

pub const posts_before: Statement = .{ .index = 6, .columns = 8, .sql = select_posts ++
    "WHERE posts.id < $2 ORDER BY posts.id DESC LIMIT $1" };

pub const insert_post: Statement = .{ .index = 7, .columns = 4, .sql = 
    \\INSERT INTO posts (author_id, title, body) VALUES ($1, $2, $3)
    \\RETURNING id, version, created_at, updated_at
};

pub const update_post: Statement = .{ .index = 8, .columns = 3, .sql = 
    \\UPDATE posts SET title = $3, body = $4, version = version + 1, updated_at = now()
    \\WHERE id = $1 AND author_id = $2
    \\RETURNING version, created_at, updated_at
};

pub const delete_post: Statement = .{ .index = 9, .columns = 0, .sql = 
    \\DELETE FROM posts WHERE id = $1 AND author_id = $2
};

pub const post_exists: Statement = .{ .index = 10, .columns = 1, .sql = "SELECT 1 FROM posts WHERE id = $1" };

pub const insert_file: Statement = .{ .index = 11, .columns = 1, .sql = 
    \\INSERT INTO files (owner_id, filename, content_type, size, sha256, storage_name)
    \\VALUES ($1, $2, $3, $4, $5, $6) RETURNING id
};

pub const file_by_id: Statement = .{ .index = 12, .columns = 4, .sql = 
    \\SELECT filename, content_type, size, storage_name FROM files WHERE id = $1
};

/// A row of the statements that begin with `select_posts`. Texts are there as
/// long as the row.
pub const Post = struct {
    id: i64,
    author_id: i64,
    author_name: []const u8,
    title: []const u8,
    body: []const u8,
    version: i64,
    created_at: u64,
    updated_at: u64,

    pub fn read(row: *Row) message.Error!Post {
        return .{
            .id = try row.integer(),
            .author_id = try row.integer(),
            .author_name = try row.text(),
            .title = try row.text(),
            .body = try row.text(),
            .version = try row.integer(),
            .created_at = try row.time(),
            .updated_at = try row.time(),
        };
    }
};

/// What tells the errors of the contract from others (appendix "PostgreSQL
/// Error Codes").
pub fn isUniqueViolation(failure: *const message.ServerError, constraint: []const u8) bool {
    return std.mem.eql(u8, &failure.code, "23505") and std.mem.eql(u8, failure.constraint.slice(), constraint);
}

pub fn isForeignKeyViolation(failure: *const message.ServerError) bool {
    return std.mem.eql(u8, &failure.code, "23503");
}

/// For statements whose rows are only counted.
pub fn ignoreRow(_: *Query, _: *Row) message.Error!void {}
