//! Answers, and how their head is written.

const std = @import("std");
const posix = std.posix;
const time = @import("../time.zig");

pub const Response = struct {
    status: u16,
    /// Further header lines, each with its CRLF.
    fields: []const u8 = "",
    content_type: []const u8 = "",
    /// `none` is for 204 and 304, which have nothing about a body either.
    body: Body,
};

pub const Body = union(enum) {
    none,
    /// Octets that stay until the request is finished.
    kept: []const u8,
    /// Octets that are only there during the call. What the socket doesn't take
    /// at once is copied.
    passing: []const u8,
    /// A file that is sent and closed.
    file: File,

    pub const File = struct { fd: posix.fd_t, size: u64 };

    pub fn length(body: Body) u64 {
        return switch (body) {
            .none => 0,
            .kept, .passing => |octets| octets.len,
            .file => |file| file.size,
        };
    }
};

/// Octets that a head may have: the fields of an answer are far below.
pub const max_head = 1024;

pub const Persistence = enum { keep, close };

/// Writes status line and header fields into `buffer`, and returns them.
pub fn writeHead(buffer: *[max_head]u8, response: *const Response, persistence: Persistence, date: []const u8) []const u8 {
    var head: Appender = .{ .buffer = buffer };
    head.append(statusLine(response.status));
    head.append("Date: ");
    head.append(date);
    head.append("\r\nX-Content-Type-Options: nosniff\r\n");
    if (response.body != .none) {
        if (response.content_type.len != 0) {
            head.append("Content-Type: ");
            head.append(response.content_type);
            head.append("\r\n");
        }
        head.append("Content-Length: ");
        head.appendInteger(response.body.length());
        head.append("\r\n");
    }
    head.append(response.fields);
    head.append(if (persistence == .close) "Connection: close\r\n\r\n" else "\r\n");
    return head.buffer[0..head.length];
}

const Appender = struct {
    buffer: *[max_head]u8,
    length: usize = 0,

    fn append(appender: *Appender, text: []const u8) void {
        @memcpy(appender.buffer[appender.length..][0..text.len], text);
        appender.length += text.len;
    }

    fn appendInteger(appender: *Appender, number: u64) void {
        appender.length += std.fmt.formatIntBuf(appender.buffer[appender.length..], number, 10, .lower, .{});
    }
};

fn statusLine(status: u16) []const u8 {
    return switch (status) {
        inline 200, 201, 204, 304, 400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 431, 500, 501, 503, 505 => |known| std.fmt.comptimePrint(
            "HTTP/1.1 {d} {s}\r\n",
            .{ known, comptime reason(known) },
        ),
        else => unreachable, // nothing answers with another
    };
}

/// The reason phrase of a status (RFC 9110, section 15).
pub fn reason(status: u16) []const u8 {
    return switch (status) {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        304 => "Not Modified",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        else => unreachable, // see statusLine
    };
}

/// The Date header's value, formatted once a second.
pub const Date = struct {
    text: [time.http_length]u8 = undefined,
    formatted_at: ?u64 = null,

    pub fn get(date: *Date, loop_now: u64) []const u8 {
        const stale = if (date.formatted_at) |at| loop_now >= at + std.time.ms_per_s else true;
        if (stale) {
            time.formatHttp(time.nowMilliseconds() / 1000, &date.text);
            date.formatted_at = loop_now;
        }
        return &date.text;
    }
};
