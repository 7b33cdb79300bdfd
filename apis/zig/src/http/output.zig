//! An answer on its way into a socket that may not take it at once.

const std = @import("std");
const posix = std.posix;
const response_module = @import("response.zig");
const socket = @import("../event/socket.zig");

pub const Output = struct {
    /// What is left of the head, and of a body in memory.
    head: []const u8 = "",
    body: []const u8 = "",
    file: ?response_module.Body.File = null,

    pub const Error = error{ Disconnected, OutOfMemory, FileTruncated };
    pub const Progress = enum { done, blocked };

    /// Writes as much as the socket takes. What is left refers to `allocator`'s
    /// memory, or to octets that stay.
    pub fn start(
        output: *Output,
        fd: posix.fd_t,
        head: []const u8,
        body: response_module.Body,
        allocator: std.mem.Allocator,
    ) Error!Progress {
        switch (body) {
            .none => output.body = "",
            .kept, .passing => |octets| output.body = octets,
            .file => |file| output.file = file,
        }
        output.head = head;
        const progress = try output.@"continue"(fd);
        if (progress == .blocked) {
            output.head = try allocator.dupe(u8, output.head);
            if (body == .passing) output.body = try allocator.dupe(u8, output.body);
        }
        return progress;
    }

    /// Goes on once the socket is writable again.
    pub fn @"continue"(output: *Output, fd: posix.fd_t) Error!Progress {
        while (output.head.len != 0 or output.body.len != 0) {
            const written = output.writeMemory(fd) catch |failure| return blockedOr(failure);
            const of_head = @min(written, output.head.len);
            output.head = output.head[of_head..];
            output.body = output.body[written - of_head ..];
        }
        while (output.file) |*file| {
            if (file.size == 0) {
                output.release();
                break;
            }
            const sent = socket.sendFile(fd, file.fd, file.size) catch |failure| return blockedOr(failure);
            if (sent == 0) return error.FileTruncated;
            file.size -= sent;
        }
        return .done;
    }

    fn writeMemory(output: *Output, fd: posix.fd_t) socket.Error!usize {
        if (output.head.len == 0) return socket.write(fd, output.body, .last);
        if (output.body.len != 0) return socket.writeBoth(fd, output.head, output.body);
        return socket.write(fd, output.head, if (output.file == null) .last else .more);
    }

    fn blockedOr(failure: socket.Error) Error!Progress {
        return switch (failure) {
            error.WouldBlock => .blocked,
            error.Disconnected => error.Disconnected,
        };
    }

    /// Closes the file, if there is one.
    pub fn release(output: *Output) void {
        if (output.file) |file| posix.close(file.fd);
        output.* = .{};
    }
};
