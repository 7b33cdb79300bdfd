//! The settings of the process, read from its environment.

const std = @import("std");
const Directory = @import("api/directory.zig").Directory;
const parseDigits = @import("api/validate.zig").parseDigits;

pub const Database = struct {
    host: []const u8,
    port: u16,
    user: []const u8,
    password: []const u8,
    name: []const u8,
};

pub const Redis = struct {
    host: []const u8,
    port: u16,
    user: []const u8,
    password: []const u8,
    database: u32,
};

pub const Error = error{ Invalid, OutOfMemory };

/// Reads variables one by one.
pub const Reader = struct {
    /// What is read stays in its memory.
    allocator: std.mem.Allocator,
    lookup: *const fn (name: []const u8) ?[]const u8 = fromEnvironment,
    /// After `error.Invalid`: the variable, and what is wrong with it. Its value,
    /// which may be a secret, is no part of it.
    name: []const u8 = "",
    problem: []const u8 = "",

    /// DATABASE_URL.
    pub fn database(reader: *Reader) Error!Database {
        const uri = try reader.url("DATABASE_URL", "postgres", "must be postgres://user:password@host:port/database");
        const result: Database = .{
            .host = try reader.host(uri),
            .port = uri.port orelse 5432,
            .user = try reader.text(uri.user),
            .password = try reader.text(uri.password),
            .name = std.mem.trimLeft(u8, try reader.text(uri.path), "/"),
        };
        return if (result.user.len != 0 and result.name.len != 0) result else error.Invalid;
    }

    /// REDIS_URL.
    pub fn redis(reader: *Reader) Error!Redis {
        const uri = try reader.url("REDIS_URL", "redis", "must be redis://:password@host:port/number");
        const number = std.mem.trimLeft(u8, try reader.text(uri.path), "/");
        return .{
            .host = try reader.host(uri),
            .port = uri.port orelse 6379,
            .user = try reader.text(uri.user),
            .password = try reader.text(uri.password),
            .database = if (number.len == 0) 0 else parseDigits(u31, number) orelse return error.Invalid,
        };
    }

    /// JWT_SECRET.
    pub fn secret(reader: *Reader) Error![]const u8 {
        const value = try reader.required("JWT_SECRET", "must have 32 bytes or more");
        return if (value.len >= 32) value else error.Invalid;
    }

    /// HOST and PORT.
    pub fn address(reader: *Reader) Error!std.net.Address {
        const value = reader.optional("HOST", "must be an IP address") orelse "127.0.0.1";
        var result = std.net.Address.parseIp(value, 0) catch return error.Invalid;
        result.setPort(try reader.integer("PORT", 8080, 65_535, "must be from 1 to 65535"));
        return result;
    }

    /// UPLOAD_DIR.
    pub fn uploads(reader: *Reader) Error!Directory {
        const value = try reader.required("UPLOAD_DIR", "must be a directory that can be written to");
        return Directory.open(value) catch error.Invalid;
    }

    /// DB_POOL_SIZE.
    pub fn poolSize(reader: *Reader) Error!u16 {
        return reader.integer("DB_POOL_SIZE", 32, 1000, "must be from 1 to 1000");
    }

    /// LOG_LEVEL.
    pub fn logLevel(reader: *Reader) Error!std.log.Level {
        const value = reader.optional("LOG_LEVEL", "must be error, warn or info") orelse return .info;
        const levels = std.StaticStringMap(std.log.Level).initComptime(.{ .{ "error", .err }, .{ "warn", .warn }, .{ "info", .info } });
        return levels.get(value) orelse error.Invalid;
    }

    fn fromEnvironment(name: []const u8) ?[]const u8 {
        return std.posix.getenv(name);
    }

    /// An empty variable counts as one that isn't set.
    fn optional(reader: *Reader, name: []const u8, problem: []const u8) ?[]const u8 {
        reader.name = name;
        reader.problem = problem;
        const value = reader.lookup(name) orelse return null;
        return if (value.len == 0) null else value;
    }

    fn required(reader: *Reader, name: []const u8, problem: []const u8) Error![]const u8 {
        return reader.optional(name, problem) orelse {
            reader.problem = "is required";
            return error.Invalid;
        };
    }

    fn integer(reader: *Reader, name: []const u8, default: u16, high: u16, problem: []const u8) Error!u16 {
        const value = reader.optional(name, problem) orelse return default;
        const number = parseDigits(u16, value) orelse return error.Invalid;
        return if (number >= 1 and number <= high) number else error.Invalid;
    }

    fn url(reader: *Reader, name: []const u8, scheme: []const u8, problem: []const u8) Error!std.Uri {
        const value = try reader.required(name, problem);
        const uri = std.Uri.parse(value) catch return error.Invalid;
        if (!std.mem.eql(u8, uri.scheme, scheme) or uri.port == 0) return error.Invalid;
        return uri;
    }

    fn host(reader: *Reader, uri: std.Uri) Error![]const u8 {
        const value = std.mem.trim(u8, try reader.text(uri.host), "[]"); // around an IPv6 address
        return if (value.len != 0) value else error.Invalid;
    }

    fn text(reader: *Reader, component: ?std.Uri.Component) Error![]const u8 {
        const value = try (component orelse return "").toRawMaybeAlloc(reader.allocator);
        // The strings of both protocols end at a zero byte, or may not have one.
        return if (std.mem.indexOfScalar(u8, value, 0) == null) value else error.Invalid;
    }
};
