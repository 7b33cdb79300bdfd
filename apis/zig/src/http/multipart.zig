//! The multipart format (RFC 2046, section 5.1; RFC 7578), read as it arrives, in
//! the form that browsers and curl send.

const std = @import("std");
const head = @import("head.zig");

pub const Error = error{Malformed};

/// Characters that a boundary may have.
const max_boundary = 70;
/// Bytes that the headers of one part may have.
const max_part_head = 4 << 10;
const buffer_size = 32 << 10;

pub const Event = union(enum) {
    /// Everything that was fed is used.
    more,
    /// A part begins: its header lines. It lasts until the next one, or the end.
    part: []const u8,
    /// Content of the part.
    content: []const u8,
    /// The last delimiter. What follows has no meaning.
    end,
};

pub const Reader = struct {
    delimiter: std.BoundedArray(u8, "\r\n--".len + max_boundary),
    state: enum { preamble, part_head, content, done } = .preamble,
    buffer: [buffer_size]u8 = undefined,
    start: usize = 0,
    end: usize = 0,

    /// `content_type` is that of the request.
    pub fn init(content_type: []const u8) Error!Reader {
        const boundary = parameter(content_type, "boundary") orelse return error.Malformed;
        if (boundary.len == 0 or boundary.len > max_boundary) return error.Malformed;
        var reader: Reader = .{ .delimiter = .{} };
        reader.delimiter.appendSliceAssumeCapacity("\r\n--");
        reader.delimiter.appendSliceAssumeCapacity(boundary);
        // The first delimiter needs no line before it: as if one had ended there.
        reader.buffer[0..2].* = "\r\n".*;
        reader.end = 2;
        return reader;
    }

    /// Takes in some of the input and returns how much. All events must be taken
    /// from `next` before more is fed.
    pub fn feed(reader: *Reader, input: []const u8) usize {
        const content = reader.rest();
        std.mem.copyForwards(u8, &reader.buffer, content);
        const count = @min(input.len, buffer_size - content.len);
        @memcpy(reader.buffer[content.len..][0..count], input[0..count]);
        reader.start = 0;
        reader.end = content.len + count;
        return count;
    }

    /// What comes next. The bytes of an event are there until the next call.
    pub fn next(reader: *Reader) Error!Event {
        while (true) {
            const text = reader.rest();
            switch (reader.state) {
                .preamble, .content => {
                    const length, const is_delimited = reader.findDelimiter();
                    const is_content = reader.state == .content and length != 0;
                    reader.start += length;
                    if (is_delimited) {
                        reader.start += reader.delimiter.len;
                        reader.state = if (std.mem.startsWith(u8, reader.rest(), "--")) .done else .part_head;
                    }
                    if (is_content) return .{ .content = text[0..length] };
                    if (!is_delimited) return .more;
                },
                .part_head => {
                    const end = std.mem.indexOf(u8, text, "\r\n\r\n") orelse {
                        return if (text.len > max_part_head) error.Malformed else .more;
                    };
                    reader.start += end + 4;
                    reader.state = .content;
                    // The first CRLF is the one behind the delimiter.
                    return .{ .part = text[@min(2, end)..end] };
                },
                .done => return .end,
            }
        }
    }

    fn rest(reader: *const Reader) []const u8 {
        return reader.buffer[reader.start..reader.end];
    }

    /// How much is in front of the next delimiter or, if there is none, of what
    /// may become one. A delimiter is followed by a line's end or two hyphens; in
    /// front of anything else it is content that only looks like one.
    fn findDelimiter(reader: *const Reader) struct { usize, bool } {
        const text = reader.rest();
        const delimiter = reader.delimiter.constSlice();
        var from: usize = 0;
        while (std.mem.indexOfScalarPos(u8, text, from, '\r')) |position| : (from = position + 1) {
            const candidate = text[position..];
            const common = @min(candidate.len, delimiter.len);
            if (!std.mem.eql(u8, candidate[0..common], delimiter[0..common])) continue;
            const behind = candidate[common..];
            if (behind.len < 2) return .{ position, false };
            if (std.mem.startsWith(u8, behind, "\r\n") or std.mem.startsWith(u8, behind, "--")) return .{ position, true };
        }
        return .{ text.len, false };
    }
};

/// What the headers of a part say.
pub const Part = struct {
    name: []const u8 = "",
    filename: []const u8 = "",
    content_type: ?[]const u8 = null,

    pub fn parse(lines: []const u8) Part {
        var part: Part = .{};
        var fields = std.mem.splitSequence(u8, lines, "\r\n");
        while (fields.next()) |field| {
            const colon = std.mem.indexOfScalar(u8, field, ':') orelse continue;
            const value = head.trim(field[colon + 1 ..]);
            if (std.ascii.eqlIgnoreCase(field[0..colon], "content-disposition")) {
                part.name = parameter(value, "name") orelse "";
                part.filename = parameter(value, "filename") orelse "";
            } else if (std.ascii.eqlIgnoreCase(field[0..colon], "content-type")) {
                part.content_type = value;
            }
        }
        return part;
    }
};

/// The value of a parameter of a header field, without its quotes:
/// `form-data; name="file"; filename=a.png`.
pub fn parameter(field: []const u8, name: []const u8) ?[]const u8 {
    var rest = field;
    while (std.mem.indexOfScalar(u8, rest, ';')) |semicolon| {
        rest = rest[semicolon + 1 ..];
        const equals = std.mem.indexOfScalar(u8, rest, '=') orelse return null;
        const is_it = std.ascii.eqlIgnoreCase(head.trim(rest[0..equals]), name);
        rest = rest[equals + 1 ..];
        var end = std.mem.indexOfScalar(u8, rest, ';') orelse rest.len;
        var value = head.trim(rest[0..end]);
        if (std.mem.startsWith(u8, rest, "\"")) {
            end = 1;
            while (end < rest.len and rest[end] != '"') end += if (rest[end] == '\\') 2 else 1;
            if (end >= rest.len) return null;
            value = rest[1..end];
        }
        if (is_it) return value;
        rest = rest[end..];
    }
    return null;
}
