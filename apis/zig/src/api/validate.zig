//! The rules for what clients send.

const std = @import("std");

/// Returns what is wrong with a value, or null. Values are UTF-8.
pub const Rule = *const fn (value: []const u8) ?[]const u8;

pub fn username(value: []const u8) ?[]const u8 {
    const message = "must be 3 to 32 characters of a-z, 0-9 and _";
    if (value.len < 3 or value.len > 32) return message;
    for (value) |byte| switch (byte) {
        'a'...'z', '0'...'9', '_' => {},
        else => return message,
    };
    return null;
}

pub fn email(value: []const u8) ?[]const u8 {
    const message = "must be an email address of at most 254 characters";
    if (value.len > 254) return message;
    for (value) |byte| {
        if (byte == ' ' or !std.ascii.isPrint(byte)) return message;
    }
    var parts = std.mem.splitScalar(u8, value, '@');
    const local = parts.first();
    const domain = parts.next() orelse return message;
    return if (local.len != 0 and domain.len != 0 and parts.next() == null) null else message;
}

pub fn password(value: []const u8) ?[]const u8 {
    if (hasNul(value)) return no_nul;
    return if (value.len >= 8 and value.len <= 72) null else "must be 8 to 72 bytes";
}

pub fn title(value: []const u8) ?[]const u8 {
    return characters(value, 200, "must be 1 to 200 characters");
}

pub fn body(value: []const u8) ?[]const u8 {
    return characters(value, 20_000, "must be 1 to 20000 characters");
}

fn characters(value: []const u8, high: usize, message: []const u8) ?[]const u8 {
    if (hasNul(value)) return no_nul;
    const count = std.unicode.utf8CountCodepoints(value) catch return "must be UTF-8";
    return if (count >= 1 and count <= high) null else message;
}

const no_nul = "must not contain U+0000";

/// PostgreSQL can't store this one character in a text.
fn hasNul(value: []const u8) bool {
    return std.mem.indexOfScalar(u8, value, 0) != null;
}

/// An id: digits, from 1 to 2⁶³−1.
pub fn id(text: []const u8) ?i64 {
    const number = parseDigits(i64, text) orelse return null;
    return if (number >= 1) number else null;
}

/// A number of digits only; `std.fmt.parseInt` also takes signs and underscores.
pub fn parseDigits(Number: type, text: []const u8) ?Number {
    for (text) |byte| {
        if (!std.ascii.isDigit(byte)) return null;
    }
    return std.fmt.parseInt(Number, text, 10) catch null;
}

/// What is wrong with one field of a request.
pub const FieldError = struct { field: []const u8, message: []const u8 };

/// What is wrong with a request; none has more than three fields.
pub const Errors = std.BoundedArray(FieldError, 3);

/// Reads a JSON object into a struct of strings. `Input.rules` has a rule for each
/// member; what breaks one is reported in `errors`. Other members are ignored.
pub fn parseJson(
    Input: type,
    allocator: std.mem.Allocator,
    text: []const u8,
    errors: *Errors,
) error{ InvalidJson, OutOfMemory }!Input {
    const fields = @typeInfo(Input).@"struct".fields;
    var values: [fields.len]?[]const u8 = .{null} ** fields.len;
    readMembers(std.meta.fieldNames(Input), &values, allocator, text) catch |failure|
        return if (failure == error.OutOfMemory) error.OutOfMemory else error.InvalidJson;
    var input: Input = undefined;
    inline for (fields, values) |field, found| {
        const rule: Rule = @field(Input.rules, field.name);
        const message = if (found) |value| rule(value) else "is required";
        if (message) |wrong| errors.appendAssumeCapacity(.{ .field = field.name, .message = wrong });
        @field(input, field.name) = found orelse "";
    }
    return input;
}

/// The scanner checks the grammar and UTF-8, and needs one bit for each level of
/// nesting: so nothing needs to limit the depth.
fn readMembers(names: []const []const u8, values: []?[]const u8, allocator: std.mem.Allocator, text: []const u8) !void {
    var scanner: std.json.Scanner = .initCompleteInput(allocator, text);
    if (try scanner.next() != .object_begin) return error.NotAnObject;
    while (true) {
        const name = switch (try scanner.nextAlloc(allocator, .alloc_if_needed)) {
            inline .string, .allocated_string => |name| name,
            else => break, // the end of the object
        };
        const value = for (names, values) |known, *value| {
            if (std.mem.eql(u8, known, name)) break value;
        } else {
            try scanner.skipValue();
            continue;
        };
        value.* = switch (try scanner.nextAlloc(allocator, .alloc_if_needed)) {
            inline .string, .allocated_string => |string| string,
            .null => null,
            else => return error.NotAString,
        };
    }
    if (try scanner.next() != .end_of_document) return error.MoreThanAnObject;
}

/// Which posts a list asks for.
pub const Page = struct {
    limit: u8 = default_limit,
    before: ?i64 = null,

    const default_limit = 20;

    /// Reads a query string. What is wrong with it is reported in `errors`.
    pub fn parse(arena: std.mem.Allocator, query: []const u8, errors: *Errors) std.mem.Allocator.Error!Page {
        var page: Page = .{};
        if (try parameter(arena, query, "limit")) |text| {
            const limit = id(text) orelse 0;
            if (limit >= 1 and limit <= 100) {
                page.limit = @intCast(limit);
            } else {
                errors.appendAssumeCapacity(.{ .field = "limit", .message = "must be an integer from 1 to 100" });
            }
        }
        if (try parameter(arena, query, "before")) |text| {
            page.before = id(text);
            if (page.before == null) errors.appendAssumeCapacity(.{ .field = "before", .message = "must be an id" });
        }
        return page;
    }

    pub fn isFirst(page: Page) bool {
        return page.limit == default_limit and page.before == null;
    }
};

/// The value of a query parameter.
fn parameter(arena: std.mem.Allocator, query: []const u8, name: []const u8) std.mem.Allocator.Error!?[]const u8 {
    var pieces = std.mem.splitScalar(u8, query, '&');
    while (pieces.next()) |piece| {
        const equals = std.mem.indexOfScalar(u8, piece, '=') orelse piece.len;
        if (!std.mem.eql(u8, try decode(arena, piece[0..equals]), name)) continue;
        return try decode(arena, piece[@min(equals + 1, piece.len)..]);
    }
    return null;
}

fn decode(arena: std.mem.Allocator, text: []const u8) std.mem.Allocator.Error![]const u8 {
    const component: std.Uri.Component = .{ .percent_encoded = text };
    return component.toRawMaybeAlloc(arena);
}
