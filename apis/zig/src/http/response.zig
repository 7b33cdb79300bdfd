//! Answers, and how they are written into a socket that may not take them at once.

const std = @import("std");
const posix = std.posix;
const Channel = @import("../event/channel.zig").Channel;
const time = @import("../time.zig");

pub const Response = struct {
    status: std.http.Status,
    /// Further header lines, each with its CRLF.
    fields: []const u8 = "",
    content_type: []const u8 = "",
    body: Body,
};

pub const Body = union(enum) {
    /// For 204 and 304, which say nothing about a body either.
    none,
    /// Bytes that stay until the request is finished.
    kept: []const u8,
    /// Bytes that are only there during the call. What the socket doesn't take
    /// at once is copied.
    passing: []const u8,
    /// A file that is sent and closed.
    file: File,

    pub const File = struct { fd: posix.fd_t, size: u64 };
};

/// Bytes that a head may have. Those of the API are far below.
pub const max_head = 1024;

/// Writes status line and header fields into `buffer`, and returns them.
pub fn writeHead(buffer: *[max_head]u8, response: *const Response, keep_alive: bool, date: []const u8) []const u8 {
    var stream = std.io.fixedBufferStream(buffer);
    writeFields(stream.writer(), response, keep_alive, date) catch unreachable; // see max_head
    return stream.getWritten();
}

fn writeFields(writer: anytype, response: *const Response, keep_alive: bool, date: []const u8) !void {
    try writer.print("HTTP/1.1 {d} {s}\r\nDate: {s}\r\nX-Content-Type-Options: nosniff\r\n", .{
        @intFromEnum(response.status), response.status.phrase().?, date,
    });
    if (response.content_type.len != 0) try writer.print("Content-Type: {s}\r\n", .{response.content_type});
    switch (response.body) {
        .none => {},
        .kept, .passing => |bytes| try writer.print("Content-Length: {d}\r\n", .{bytes.len}),
        .file => |file| try writer.print("Content-Length: {d}\r\n", .{file.size}),
    }
    try writer.writeAll(response.fields);
    try writer.writeAll(if (keep_alive) "\r\n" else "Connection: close\r\n\r\n");
}

/// An answer on its way.
pub const Output = struct {
    /// What is left of the head, and of a body in memory.
    head: []const u8 = "",
    body: []const u8 = "",
    file: ?Body.File = null,

    pub const Error = Channel.Error || error{ OutOfMemory, FileTruncated };

    /// Writes as much as the socket takes; true: all of it. What is left is in
    /// the allocator's memory, or stays.
    pub fn start(output: *Output, channel: *Channel, head: []const u8, body: Body, allocator: std.mem.Allocator) Error!bool {
        switch (body) {
            .none => {},
            .kept, .passing => |bytes| output.body = bytes,
            .file => |file| output.file = file,
        }
        output.head = head;
        if (try output.proceed(channel)) return true;
        output.head = try allocator.dupe(u8, output.head);
        if (body == .passing) output.body = try allocator.dupe(u8, output.body);
        return false;
    }

    /// Continues once the socket is writable again.
    pub fn proceed(output: *Output, channel: *Channel) Error!bool {
        while (output.head.len + output.body.len != 0) {
            const written = try channel.write(output.head, output.body, output.file != null) orelse return false;
            const of_head = @min(written, output.head.len);
            output.head = output.head[of_head..];
            output.body = output.body[written - of_head ..];
        }
        if (output.file) |*file| while (file.size != 0) {
            const sent = try channel.sendFile(file.fd, file.size) orelse return false;
            if (sent == 0) return error.FileTruncated;
            file.size -= sent;
        };
        return true;
    }

    /// Closes the file, if there is one.
    pub fn release(output: *Output) void {
        if (output.file) |file| posix.close(file.fd);
        output.* = .{};
    }
};

/// The Date header's value, formatted once a second.
pub const Date = struct {
    text: [time.http_length]u8 = undefined,
    formatted_at: ?u64 = null,

    pub fn get(date: *Date, loop_now: u64) []const u8 {
        const is_stale = if (date.formatted_at) |at| loop_now >= at + std.time.ms_per_s else true;
        if (is_stale) {
            time.formatHttp(&date.text, @intCast(std.time.timestamp()));
            date.formatted_at = loop_now;
        }
        return &date.text;
    }
};
