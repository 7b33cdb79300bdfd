//! The header lines of a part (RFC 5322, section 2.2).

const std = @import("std");
const head = @import("../http/head.zig");

pub const Error = error{Malformed} || std.mem.Allocator.Error;

pub const PartHead = struct {
    disposition: ?[]const u8 = null,
    content_type: ?[]const u8 = null,

    /// Reads lines, each with its CRLF. Of a header that is repeated the first
    /// counts. The result is in the allocator's memory.
    pub fn parse(lines: []const u8, allocator: std.mem.Allocator) Error!PartHead {
        var result: PartHead = .{};
        var rest = lines;
        while (rest.len != 0) {
            const field = takeField(&rest);
            const colon = std.mem.indexOfScalar(u8, field, ':') orelse return error.Malformed;
            const name = field[0..colon];
            if (!head.isToken(name)) return error.Malformed;
            const wanted = result.find(name) orelse continue;
            if (wanted.* == null) wanted.* = try unfold(field[colon + 1 ..], allocator);
        }
        return result;
    }

    fn find(result: *PartHead, name: []const u8) ?*?[]const u8 {
        if (std.ascii.eqlIgnoreCase(name, "content-disposition")) return &result.disposition;
        if (std.ascii.eqlIgnoreCase(name, "content-type")) return &result.content_type;
        return null;
    }
};

/// A header line with those that begin with a blank, and so continue it.
fn takeField(rest: *[]const u8) []const u8 {
    const text = rest.*;
    var from: usize = 0;
    while (true) {
        const end = std.mem.indexOfPos(u8, text, from, "\r\n") orelse text.len;
        from = @min(end + 2, text.len);
        if (from < text.len and (text[from] == ' ' or text[from] == '\t')) continue;
        rest.* = text[from..];
        return text[0..end];
    }
}

/// The value as one line. It takes no more memory than the client has sent.
fn unfold(value: []const u8, allocator: std.mem.Allocator) std.mem.Allocator.Error![]const u8 {
    var unfolded: std.ArrayListUnmanaged(u8) = try .initCapacity(allocator, value.len);
    var lines = std.mem.splitSequence(u8, value, "\r\n");
    unfolded.appendSliceAssumeCapacity(head.trim(lines.first()));
    while (lines.next()) |line| {
        unfolded.appendAssumeCapacity(' ');
        unfolded.appendSliceAssumeCapacity(head.trim(line));
    }
    return head.trim(unfolded.items);
}
