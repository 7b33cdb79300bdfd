//! The multipart format (RFC 2046, section 5.1), read as it arrives: what is in
//! memory at a time is 32 KiB, however long the parts are.

const std = @import("std");

/// Octets that a boundary may have.
pub const max_boundary = 70;
const max_delimiter = "\r\n--".len + max_boundary;

/// Octets that the headers of one part may have.
const max_part_head = 4 << 10;

/// Room for the headers of a part with the delimiters around them.
const buffer_size = 32 << 10;

pub const Event = union(enum) {
    /// All that was fed is used up.
    more,
    /// A part begins: its header lines, each with its CRLF.
    part: []const u8,
    /// Content of the part.
    content: []const u8,
    part_end,
    /// The closing delimiter. What follows is of no interest.
    end,
};

pub const Reader = struct {
    delimiter_buffer: [max_delimiter]u8,
    delimiter_length: usize,
    state: State = .preamble,
    buffer: [buffer_size]u8 = undefined,
    start: usize = 0,
    end: usize = 0,

    const State = enum { preamble, line_of_delimiter, part_head, content, part_end, done };

    /// `boundary` has at most `max_boundary` octets.
    pub fn init(boundary: []const u8) Reader {
        var reader: Reader = .{ .delimiter_buffer = undefined, .delimiter_length = 4 + boundary.len };
        reader.delimiter_buffer[0..4].* = "\r\n--".*;
        @memcpy(reader.delimiter_buffer[4..][0..boundary.len], boundary);
        // The first delimiter needs no line before it: as if one had ended there.
        reader.buffer[0..2].* = "\r\n".*;
        reader.end = 2;
        return reader;
    }

    /// Takes up some of the input and returns how much that is. All events must
    /// be taken from `next` before more is fed.
    pub fn feed(reader: *Reader, input: []const u8) usize {
        const content = reader.buffer[reader.start..reader.end];
        std.mem.copyForwards(u8, reader.buffer[0..content.len], content);
        reader.start = 0;
        const count = @min(input.len, buffer_size - content.len);
        @memcpy(reader.buffer[content.len..][0..count], input[0..count]);
        reader.end = content.len + count;
        return count;
    }

    /// What comes next. The octets of an event are there until the next call.
    pub fn next(reader: *Reader) error{Malformed}!Event {
        while (true) {
            switch (reader.state) {
                .preamble => switch (reader.findDelimiter()) {
                    .at => |position| {
                        reader.start += position + reader.delimiter_length;
                        reader.state = .line_of_delimiter;
                    },
                    .not_before => |position| {
                        reader.start += position;
                        return .more;
                    },
                },
                .line_of_delimiter => {
                    const kind = try reader.lineOfDelimiter() orelse return .more;
                    reader.state = if (kind == .close) .done else .part_head;
                },
                .part_head => {
                    const lines = try reader.partHead() orelse return .more;
                    reader.state = .content;
                    return .{ .part = lines };
                },
                .content => switch (reader.findDelimiter()) {
                    .at => |position| {
                        const content = reader.rest()[0..position];
                        reader.start += position + reader.delimiter_length;
                        reader.state = .part_end;
                        if (content.len != 0) return .{ .content = content };
                    },
                    .not_before => |position| {
                        if (position == 0) return .more;
                        const content = reader.rest()[0..position];
                        reader.start += position;
                        return .{ .content = content };
                    },
                },
                .part_end => {
                    reader.state = .line_of_delimiter;
                    return .part_end;
                },
                .done => return .end,
            }
        }
    }

    /// Must be called once the body has ended: the last line of all needs no CRLF.
    pub fn finish(reader: *Reader) error{Malformed}!void {
        if (reader.state == .line_of_delimiter) {
            const line = reader.rest();
            if (std.mem.startsWith(u8, line, "--") and std.mem.trim(u8, line[2..], " \t").len == 0) reader.state = .done;
        }
        if (reader.state != .done) return error.Malformed;
    }

    fn rest(reader: *const Reader) []const u8 {
        return reader.buffer[reader.start..reader.end];
    }

    const Search = union(enum) { at: usize, not_before: usize };

    /// Looks for a delimiter: a CRLF, two hyphens, the boundary, and something
    /// that can't be the rest of a longer word.
    fn findDelimiter(reader: *const Reader) Search {
        const text = reader.rest();
        const delimiter = reader.delimiter_buffer[0..reader.delimiter_length];
        var from: usize = 0;
        while (std.mem.indexOfScalarPos(u8, text, from, '\r')) |position| {
            const candidate = text[position..];
            const common = @min(candidate.len, delimiter.len);
            if (std.mem.eql(u8, candidate[0..common], delimiter[0..common])) {
                if (common < delimiter.len) return .{ .not_before = position };
                switch (isBehindDelimiter(candidate[delimiter.len..])) {
                    .yes => return .{ .at = position },
                    .undecided => return .{ .not_before = position },
                    .no => {},
                }
            }
            from = position + 1;
        }
        return .{ .not_before = text.len };
    }

    fn isBehindDelimiter(text: []const u8) enum { yes, no, undecided } {
        if (text.len == 0) return .undecided;
        return switch (text[0]) {
            ' ', '\t', '\r' => .yes,
            '-' => if (text.len == 1) .undecided else if (text[1] == '-') .yes else .no,
            else => .no,
        };
    }

    /// Takes the rest of a delimiter's line: blanks, or two hyphens and blanks.
    fn lineOfDelimiter(reader: *Reader) error{Malformed}!?enum { open, close } {
        const text = reader.rest();
        const line_end = std.mem.indexOfScalar(u8, text, '\r') orelse {
            return if (text.len > max_part_head) error.Malformed else null;
        };
        if (line_end + 1 == text.len) return null;
        if (text[line_end + 1] != '\n') return error.Malformed;
        const line = text[0..line_end];
        const closes = std.mem.startsWith(u8, line, "--");
        if (std.mem.trim(u8, if (closes) line[2..] else line, " \t").len != 0) return error.Malformed;
        reader.start += line_end + 2;
        return if (closes) .close else .open;
    }

    fn partHead(reader: *Reader) error{Malformed}!?[]const u8 {
        const text = reader.rest();
        // No header at all, and so no name.
        if (std.mem.startsWith(u8, text, "\r\n")) return error.Malformed;
        const end = std.mem.indexOf(u8, text, "\r\n\r\n") orelse {
            return if (text.len > max_part_head + 4) error.Malformed else null;
        };
        if (end > max_part_head) return error.Malformed;
        reader.start += end + 4;
        return text[0 .. end + 2];
    }
};
