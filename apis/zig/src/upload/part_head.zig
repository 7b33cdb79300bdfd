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
            var line = takeLine(&rest);
            const colon = std.mem.indexOfScalar(u8, line, ':') orelse return error.Malformed;
            const name = line[0..colon];
            if (!head.isToken(name)) return error.Malformed;
            var value: std.ArrayListUnmanaged(u8) = .empty;
            try value.appendSlice(allocator, head.trim(line[colon + 1 ..]));
            // A line that begins with a blank continues the one before it.
            while (rest.len != 0 and (rest[0] == ' ' or rest[0] == '\t')) {
                line = takeLine(&rest);
                try value.append(allocator, ' ');
                try value.appendSlice(allocator, head.trim(line));
            }
            if (result.disposition == null and std.ascii.eqlIgnoreCase(name, "content-disposition")) {
                result.disposition = head.trim(value.items);
            } else if (result.content_type == null and std.ascii.eqlIgnoreCase(name, "content-type")) {
                result.content_type = head.trim(value.items);
            }
        }
        return result;
    }

    fn takeLine(rest: *[]const u8) []const u8 {
        const end = std.mem.indexOf(u8, rest.*, "\r\n") orelse rest.len;
        defer rest.* = rest.*[@min(end + 2, rest.len)..];
        return rest.*[0..end];
    }
};
