//! The settings of one process, read from its environment.

const std = @import("std");
const Directory = @import("../upload/directory.zig").Directory;
const log = @import("../log.zig");
const url = @import("url.zig");

pub const Config = struct {
    database: url.Database,
    redis: url.Redis,
    jwt_secret: []const u8,
    /// As it was given.
    host: []const u8,
    address: std.net.Address,
    upload_dir: []const u8,
    pool_size: u16,
    log_level: log.Level,
};

/// The part that the benchmark floor uses.
pub const FloorConfig = struct {
    database: url.Database,
    host: []const u8,
    address: std.net.Address,
};

pub const Lookup = *const fn (name: []const u8) ?[]const u8;

/// What is wrong with one variable. Its value, which may be a secret, is no part
/// of it.
pub const Problem = struct { name: []const u8, message: []const u8 };

pub const Error = error{ Invalid, OutOfMemory };

/// Reads everything, so that one start shows all that is wrong.
pub const Reader = struct {
    lookup: Lookup,
    /// What is read stays in its memory.
    allocator: std.mem.Allocator,
    problems: std.ArrayListUnmanaged(Problem) = .empty,

    pub fn readAll(reader: *Reader) Error!Config {
        const database = try reader.readDatabase("DATABASE_URL");
        const redis = try reader.readRedis("REDIS_URL");
        const secret = try reader.readSecret("JWT_SECRET");
        const host = reader.optional("HOST") orelse "127.0.0.1";
        const address = try reader.readAddress("HOST", host, "PORT");
        const upload_dir = try reader.readDirectory("UPLOAD_DIR");
        const pool_size = try reader.readInteger("DB_POOL_SIZE", 32, 1000, "must be an integer from 1 to 1000");
        const level = try reader.readLevel("LOG_LEVEL");
        if (reader.problems.items.len != 0) return error.Invalid;
        return .{
            .database = database.?,
            .redis = redis.?,
            .jwt_secret = secret.?,
            .host = host,
            .address = address.?,
            .upload_dir = upload_dir.?,
            .pool_size = pool_size.?,
            .log_level = level.?,
        };
    }

    pub fn readFloor(reader: *Reader) Error!FloorConfig {
        const database = try reader.readDatabase("DATABASE_URL");
        const host = reader.optional("HOST") orelse "127.0.0.1";
        const address = try reader.readAddress("HOST", host, "PORT");
        if (reader.problems.items.len != 0) return error.Invalid;
        return .{ .database = database.?, .host = host, .address = address.? };
    }

    fn fail(reader: *Reader, name: []const u8, message: []const u8) error{OutOfMemory}!void {
        try reader.problems.append(reader.allocator, .{ .name = name, .message = message });
    }

    /// An empty variable counts as one that isn't set.
    fn optional(reader: *Reader, name: []const u8) ?[]const u8 {
        const value = reader.lookup(name) orelse return null;
        return if (value.len == 0) null else value;
    }

    fn required(reader: *Reader, name: []const u8) error{OutOfMemory}!?[]const u8 {
        return reader.optional(name) orelse {
            try reader.fail(name, "is required");
            return null;
        };
    }

    fn readDatabase(reader: *Reader, name: []const u8) error{OutOfMemory}!?url.Database {
        const value = try reader.required(name) orelse return null;
        return url.parseDatabase(value, reader.allocator) catch |failure| {
            if (failure == error.OutOfMemory) return error.OutOfMemory;
            try reader.fail(name, "must be a postgres:// URL with user, host and database");
            return null;
        };
    }

    fn readRedis(reader: *Reader, name: []const u8) error{OutOfMemory}!?url.Redis {
        const value = try reader.required(name) orelse return null;
        return url.parseRedis(value, reader.allocator) catch |failure| {
            if (failure == error.OutOfMemory) return error.OutOfMemory;
            try reader.fail(name, "must be a redis:// URL with a host");
            return null;
        };
    }

    fn readSecret(reader: *Reader, name: []const u8) error{OutOfMemory}!?[]const u8 {
        const value = try reader.required(name) orelse return null;
        if (value.len >= 32) return value;
        try reader.fail(name, "must be at least 32 bytes");
        return null;
    }

    fn readAddress(reader: *Reader, host_name: []const u8, host: []const u8, port_name: []const u8) error{OutOfMemory}!?std.net.Address {
        const parsed = parseHost(host);
        if (parsed == null) try reader.fail(host_name, "must be an IP address");
        const port = try reader.readInteger(port_name, 8080, 65535, "must be an integer from 1 to 65535") orelse return null;
        var result = parsed orelse return null;
        result.setPort(port);
        return result;
    }

    fn readDirectory(reader: *Reader, name: []const u8) error{OutOfMemory}!?[]const u8 {
        const value = try reader.required(name) orelse return null;
        if (Directory.isWritable(value)) return value;
        try reader.fail(name, "must be a directory that can be written to");
        return null;
    }

    /// A decimal from 1 to `high`, without sign or leading zero.
    fn readInteger(reader: *Reader, name: []const u8, default: u16, high: u16, message: []const u8) error{OutOfMemory}!?u16 {
        const value = reader.optional(name) orelse return default;
        const number: ?u16 = for (value) |octet| {
            if (!std.ascii.isDigit(octet)) break null;
        } else std.fmt.parseInt(u16, value, 10) catch null;
        if (number != null and value[0] != '0' and number.? <= high) return number;
        try reader.fail(name, message);
        return null;
    }

    fn readLevel(reader: *Reader, name: []const u8) error{OutOfMemory}!?log.Level {
        const value = reader.optional(name) orelse return .info;
        if (std.meta.stringToEnum(log.Level, value)) |found| return found;
        try reader.fail(name, "must be error, warn or info");
        return null;
    }
};

fn parseHost(text: []const u8) ?std.net.Address {
    // The standard library takes a zone without a name, and a lone colon at the end.
    if (std.mem.endsWith(u8, text, "%")) return null;
    if (std.mem.endsWith(u8, text, ":") and !std.mem.endsWith(u8, text, "::")) return null;
    return std.net.Address.parseIp(text, 0) catch null;
}
