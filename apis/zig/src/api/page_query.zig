//! The query of GET /api/posts.

const std = @import("std");
const identifier = @import("../identifier.zig");
const problem = @import("problem.zig");

const default_limit = 20;

/// Which posts a list asks for.
pub const PageQuery = struct {
    limit: u8 = default_limit,
    before: ?i64 = null,

    pub fn isFirstPage(query: PageQuery) bool {
        return query.limit == default_limit and query.before == null;
    }
};

pub const Errors = std.BoundedArray(problem.FieldError, 2);

/// Reads a query string as it was sent. What is wrong with it goes to `errors`.
pub fn parse(query: []const u8, errors: *Errors) PageQuery {
    var page: PageQuery = .{};
    if (query.len == 0) return page;
    const limit = parameter(query, "limit", errors);
    if (limit) |text| {
        page.limit = parseLimit(text) orelse invalid: {
            errors.appendAssumeCapacity(.{ .field = "limit", .message = "must be an integer from 1 to 100" });
            break :invalid default_limit;
        };
    }
    const before = parameter(query, "before", errors);
    if (before) |text| {
        page.before = identifier.parse(text);
        if (page.before == null) errors.appendAssumeCapacity(.{ .field = "before", .message = "must be an id" });
    }
    return page;
}

fn parseLimit(text: []const u8) ?u8 {
    const number = identifier.parse(text) orelse return null;
    return if (number <= 100) @intCast(number) else null;
}

/// The value of a parameter that is there once. Nothing is decoded.
fn parameter(query: []const u8, name: []const u8, errors: *Errors) ?[]const u8 {
    var value: ?[]const u8 = null;
    var pieces = std.mem.splitScalar(u8, query, '&');
    while (pieces.next()) |piece| {
        const equals = std.mem.indexOfScalar(u8, piece, '=') orelse piece.len;
        if (!std.mem.eql(u8, piece[0..equals], name)) continue;
        if (value != null) {
            errors.appendAssumeCapacity(.{ .field = name, .message = "must be given only once" });
            return null;
        }
        value = piece[@min(equals + 1, piece.len)..];
    }
    return value;
}
