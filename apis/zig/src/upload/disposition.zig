//! Header fields with parameters, as an upload has them: the Content-Disposition
//! of a part, and the boundary in the Content-Type of the request.

const std = @import("std");
const head = @import("../http/head.zig");
const multipart = @import("multipart.zig");

pub const Error = error{Malformed} || std.mem.Allocator.Error;

/// What a part's Content-Disposition says.
pub const Disposition = struct {
    name: ?[]const u8 = null,
    filename: ?[]const u8 = null,

    pub fn parse(value: []const u8, allocator: std.mem.Allocator) Error!Disposition {
        const end = std.mem.indexOfScalar(u8, value, ';') orelse value.len;
        if (!std.ascii.eqlIgnoreCase(std.mem.trim(u8, value[0..end], " \t"), "form-data")) return error.Malformed;
        var disposition: Disposition = .{};
        var parameters: Parameters = .{ .rest = value[end..], .form = .disposition };
        while (try parameters.next(allocator)) |parameter| {
            // The first of a name counts.
            if (disposition.name == null and std.ascii.eqlIgnoreCase(parameter.name, "name")) {
                disposition.name = parameter.value;
            } else if (disposition.filename == null and std.ascii.eqlIgnoreCase(parameter.name, "filename")) {
                disposition.filename = parameter.value;
            }
        }
        return disposition;
    }
};

/// The boundary that the Content-Type of a request names.
pub fn boundaryOf(content_type: []const u8, allocator: std.mem.Allocator) Error![]const u8 {
    const end = std.mem.indexOfScalar(u8, content_type, ';') orelse return error.Malformed;
    var parameters: Parameters = .{ .rest = content_type[end..], .form = .media_type };
    var boundary: ?[]const u8 = null;
    while (try parameters.next(allocator)) |parameter| {
        if (!std.ascii.eqlIgnoreCase(parameter.name, "boundary")) continue;
        if (boundary != null) return error.Malformed;
        boundary = parameter.value;
    }
    const found = boundary orelse return error.Malformed;
    return if (found.len >= 1 and found.len <= multipart.max_boundary) found else error.Malformed;
}

const Parameter = struct { name: []const u8, value: []const u8 };

const Parameters = struct {
    rest: []const u8,
    form: Form,

    const Form = enum {
        /// As browsers write it and the contract defines it.
        disposition,
        /// As RFC 9110 does, section 5.6.6: names and values are tokens, and a
        /// semicolon may be without a parameter.
        media_type,
    };

    fn next(parameters: *Parameters, allocator: std.mem.Allocator) Error!?Parameter {
        while (true) {
            parameters.skipBlanks();
            if (parameters.rest.len == 0) return null;
            if (parameters.rest[0] != ';') return error.Malformed;
            parameters.rest = parameters.rest[1..];
            parameters.skipBlanks();
            const is_empty = parameters.rest.len == 0 or parameters.rest[0] == ';';
            if (parameters.form == .disposition or !is_empty) break;
        }
        const name = parameters.takeUntil("=;\" \t");
        if (name.len == 0 or parameters.rest.len == 0 or parameters.rest[0] != '=') return error.Malformed;
        if (parameters.form == .media_type and !head.isToken(name)) return error.Malformed;
        parameters.rest = parameters.rest[1..];
        if (std.mem.startsWith(u8, parameters.rest, "\"")) {
            return .{ .name = name, .value = try parameters.quoted(allocator) };
        }
        const value = parameters.takeUntil("; \t");
        if (parameters.form == .media_type and !head.isToken(value)) return error.Malformed;
        return .{ .name = name, .value = value };
    }

    fn skipBlanks(parameters: *Parameters) void {
        parameters.rest = std.mem.trimLeft(u8, parameters.rest, " \t");
    }

    fn takeUntil(parameters: *Parameters, ends: []const u8) []const u8 {
        const end = std.mem.indexOfAny(u8, parameters.rest, ends) orelse parameters.rest.len;
        defer parameters.rest = parameters.rest[end..];
        return parameters.rest[0..end];
    }

    /// Takes a quoted string, in which a backslash stands for the octet behind it.
    fn quoted(parameters: *Parameters, allocator: std.mem.Allocator) Error![]const u8 {
        const text = parameters.rest[1..];
        var end: usize = 0;
        while (end < text.len and text[end] != '"') end += if (text[end] == '\\') 2 else 1;
        if (end >= text.len) return error.Malformed;
        parameters.rest = text[end + 1 ..];
        // Of that size, since a client may send very many that are short.
        var value: std.ArrayListUnmanaged(u8) = try .initCapacity(allocator, end);
        var position: usize = 0;
        while (position < end) : (position += 1) {
            if (text[position] == '\\') position += 1;
            value.appendAssumeCapacity(text[position]);
        }
        return value.items;
    }
};
