//! The statements of the API, and their rows in the order of the columns. A row
//! is also what JSON shows of it.

const Statement = @import("../postgres/query.zig").Statement;
const Time = @import("../time.zig").Time;

pub const ready: Statement = .{ .index = 0, .sql = "SELECT 1" };

pub const insert_user: Statement = .{ .index = 1, .sql = 
    \\INSERT INTO users (username, email, password_hash) VALUES ($1, $2, $3)
    \\RETURNING id, created_at
};
pub const NewUser = struct { id: i64, created_at: Time };

pub const user_by_email: Statement = .{ .index = 2, .sql = 
    \\SELECT id, username, password_hash FROM users WHERE email = $1
};
pub const Login = struct { id: i64, username: []const u8, password_hash: []const u8 };

pub const account_by_id: Statement = .{ .index = 3, .sql = 
    \\SELECT id, username, email, created_at FROM users WHERE id = $1
};
pub const Account = struct { id: i64, username: []const u8, email: []const u8, created_at: Time };

pub const user_by_id: Statement = .{ .index = 4, .sql = 
    \\SELECT id, username, created_at FROM users WHERE id = $1
};
pub const User = struct { id: i64, username: []const u8, created_at: Time };

const select_posts =
    \\SELECT posts.id, posts.author_id, users.username, posts.title, posts.body,
    \\    posts.version, posts.created_at, posts.updated_at
    \\FROM posts JOIN users ON users.id = posts.author_id
    \\
;
pub const Post = struct {
    id: i64,
    author: struct { id: i64, username: []const u8 },
    title: []const u8,
    body: []const u8,
    version: i64,
    created_at: Time,
    updated_at: Time,
};

pub const post_by_id: Statement = .{ .index = 5, .sql = select_posts ++ "WHERE posts.id = $1" };

pub const last_posts: Statement = .{ .index = 6, .sql = select_posts ++ "ORDER BY posts.id DESC LIMIT $1" };

pub const posts_before: Statement = .{ .index = 7, .sql = select_posts ++
    "WHERE posts.id < $2 ORDER BY posts.id DESC LIMIT $1" };

pub const insert_post: Statement = .{ .index = 8, .sql = 
    \\INSERT INTO posts (author_id, title, body) VALUES ($1, $2, $3)
    \\RETURNING id, version, created_at, updated_at
};
pub const NewPost = struct { id: i64, version: i64, created_at: Time, updated_at: Time };

pub const update_post: Statement = .{ .index = 9, .sql = 
    \\UPDATE posts SET title = $3, body = $4, version = version + 1, updated_at = now()
    \\WHERE id = $1 AND author_id = $2
    \\RETURNING version, created_at, updated_at
};
pub const UpdatedPost = struct { version: i64, created_at: Time, updated_at: Time };

pub const delete_post: Statement = .{ .index = 10, .sql = "DELETE FROM posts WHERE id = $1 AND author_id = $2" };

pub const post_exists: Statement = .{ .index = 11, .sql = "SELECT 1 FROM posts WHERE id = $1" };

pub const insert_file: Statement = .{ .index = 12, .sql = 
    \\INSERT INTO files (owner_id, filename, content_type, size, sha256, storage_name)
    \\VALUES ($1, $2, $3, $4, $5, $6) RETURNING id
};
pub const NewFile = struct { id: i64 };

pub const file_by_id: Statement = .{ .index = 13, .sql = 
    \\SELECT filename, content_type, size, storage_name FROM files WHERE id = $1
};
pub const File = struct { filename: []const u8, content_type: []const u8, size: i64, storage_name: []const u8 };
