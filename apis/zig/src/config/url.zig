//! The URLs of PostgreSQL and Redis, as far as the contract has them.

const std = @import("std");

pub const Error = error{ Invalid, OutOfMemory };

pub const Database = struct {
    host: []const u8,
    port: u16,
    user: []const u8,
    password: []const u8,
    database: []const u8,
};

pub const Redis = struct {
    host: []const u8,
    port: u16,
    /// Empty: the default user.
    user: []const u8,
    /// Empty: no authentication.
    password: []const u8,
    number: u32,
};

pub fn parseDatabase(text: []const u8, allocator: std.mem.Allocator) Error!Database {
    const parts = try split(text, &.{ "postgres://", "postgresql://" });
    const credentials = parts.credentials orelse return error.Invalid;
    const user = try decode(credentials.user, allocator);
    const database = try decode(parts.path, allocator);
    if (user.len == 0 or database.len == 0) return error.Invalid;
    if (parts.query.len != 0 and !std.mem.eql(u8, parts.query, "sslmode=disable")) return error.Invalid;
    return .{
        .host = parts.host,
        .port = try parsePort(parts.port, 5432),
        .user = user,
        .password = try decode(credentials.password, allocator),
        .database = database,
    };
}

pub fn parseRedis(text: []const u8, allocator: std.mem.Allocator) Error!Redis {
    const parts = try split(text, &.{"redis://"});
    const credentials: Credentials = parts.credentials orelse .{ .user = "", .password = "" };
    if (parts.query.len != 0) return error.Invalid;
    return .{
        .host = parts.host,
        .port = try parsePort(parts.port, 6379),
        .user = try decode(credentials.user, allocator),
        .password = try decode(credentials.password, allocator),
        .number = if (parts.path.len == 0) 0 else parseDecimal(u32, parts.path) orelse return error.Invalid,
    };
}

const Credentials = struct { user: []const u8, password: []const u8 };

const Parts = struct {
    credentials: ?Credentials,
    host: []const u8,
    port: ?[]const u8,
    /// Without its leading slash.
    path: []const u8,
    query: []const u8,
};

fn split(text: []const u8, schemes: []const []const u8) Error!Parts {
    for (text) |octet| {
        if (octet <= ' ' or octet == 0x7f or octet == '#') return error.Invalid;
    }
    var rest = for (schemes) |scheme| {
        if (std.ascii.startsWithIgnoreCase(text, scheme)) break text[scheme.len..];
    } else return error.Invalid;
    var parts: Parts = .{ .credentials = null, .host = "", .port = null, .path = "", .query = "" };
    if (std.mem.indexOfScalar(u8, rest, '?')) |mark| {
        parts.query = rest[mark + 1 ..];
        rest = rest[0..mark];
    }
    if (std.mem.indexOfScalar(u8, rest, '/')) |slash| {
        parts.path = rest[slash + 1 ..];
        rest = rest[0..slash];
    }
    if (std.mem.lastIndexOfScalar(u8, rest, '@')) |at| {
        const colon = std.mem.indexOfScalar(u8, rest[0..at], ':') orelse at;
        parts.credentials = .{ .user = rest[0..colon], .password = rest[@min(colon + 1, at)..at] };
        rest = rest[at + 1 ..];
    }
    if (std.mem.startsWith(u8, rest, "[")) {
        const end = std.mem.indexOfScalar(u8, rest, ']') orelse return error.Invalid;
        parts.host = rest[1..end];
        _ = std.net.Address.parseIp6(parts.host, 0) catch return error.Invalid;
        rest = rest[end + 1 ..];
        if (rest.len != 0 and rest[0] != ':') return error.Invalid;
        if (rest.len != 0) parts.port = rest[1..];
    } else if (std.mem.indexOfScalar(u8, rest, ':')) |colon| {
        parts.host = rest[0..colon];
        parts.port = rest[colon + 1 ..];
    } else {
        parts.host = rest;
    }
    return if (parts.host.len != 0 and parts.host.len <= 253) parts else error.Invalid;
}

/// An empty port stands for the default one (RFC 3986, section 3.2.3).
fn parsePort(text: ?[]const u8, default: u16) Error!u16 {
    const digits = text orelse return default;
    if (digits.len == 0) return default;
    const port = parseDecimal(u16, digits) orelse return error.Invalid;
    return if (port == 0) error.Invalid else port;
}

fn parseDecimal(Integer: type, text: []const u8) ?Integer {
    for (text) |octet| {
        if (!std.ascii.isDigit(octet)) return null;
    }
    return std.fmt.parseInt(Integer, text, 10) catch null;
}

/// Decodes %XX.
fn decode(text: []const u8, allocator: std.mem.Allocator) Error![]const u8 {
    var result = try std.ArrayListUnmanaged(u8).initCapacity(allocator, text.len);
    var position: usize = 0;
    while (position < text.len) : (position += 1) {
        if (text[position] != '%') {
            result.appendAssumeCapacity(text[position]);
            continue;
        }
        if (text.len - position < 3) return error.Invalid;
        const high = std.fmt.charToDigit(text[position + 1], 16) catch return error.Invalid;
        const low = std.fmt.charToDigit(text[position + 2], 16) catch return error.Invalid;
        const octet = high << 4 | low;
        if (octet == 0) return error.Invalid; // the protocols' strings end there
        result.appendAssumeCapacity(octet);
        position += 2;
    }
    return result.items;
}
