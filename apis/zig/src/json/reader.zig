//! JSON, read strictly by the grammar of RFC 8259. The text must be valid UTF-8;
//! its owner sees to that. Nothing is built: values are skipped, or handed out as
//! pieces of the text.

const std = @import("std");

pub const Error = error{Malformed};

/// How deep arrays and objects may nest, the outermost counting.
const max_depth = 32;

pub const Kind = enum { object, array, string, number, true, false, null };

pub const Reader = struct {
    text: []const u8,
    position: usize = 0,
    depth: u6 = 0,

    pub fn skipBlanks(reader: *Reader) void {
        while (reader.position < reader.text.len) : (reader.position += 1) {
            switch (reader.text[reader.position]) {
                ' ', '\t', '\n', '\r' => {},
                else => return,
            }
        }
    }

    fn peek(reader: *const Reader) Error!u8 {
        if (reader.position == reader.text.len) return error.Malformed;
        return reader.text[reader.position];
    }

    /// What the next value is, told by its first octet.
    pub fn kind(reader: *const Reader) Error!Kind {
        return switch (try reader.peek()) {
            '{' => .object,
            '[' => .array,
            '"' => .string,
            't' => .true,
            'f' => .false,
            'n' => .null,
            '-', '0'...'9' => .number,
            else => error.Malformed,
        };
    }

    pub fn expect(reader: *Reader, octet: u8) Error!void {
        if (try reader.peek() != octet) return error.Malformed;
        reader.position += 1;
    }

    /// Takes the octet if it is the next one.
    pub fn take(reader: *Reader, octet: u8) bool {
        if (reader.position == reader.text.len or reader.text[reader.position] != octet) return false;
        reader.position += 1;
        return true;
    }

    pub fn expectEnd(reader: *Reader) Error!void {
        reader.skipBlanks();
        if (reader.position != reader.text.len) return error.Malformed;
    }

    /// Enters an object or array.
    pub fn open(reader: *Reader, octet: u8) Error!void {
        try reader.expect(octet);
        if (reader.depth == max_depth) return error.Malformed;
        reader.depth += 1;
        reader.skipBlanks();
    }

    pub fn close(reader: *Reader) void {
        reader.depth -= 1;
    }

    /// Passes over one value of any kind, and returns it as it stands.
    pub fn skip(reader: *Reader) Error![]const u8 {
        const start = reader.position;
        switch (try reader.kind()) {
            .object => try reader.skipObject(),
            .array => try reader.skipArray(),
            .string => _ = try reader.string(),
            .number => _ = try reader.number(),
            .true => try reader.word("true"),
            .false => try reader.word("false"),
            .null => try reader.word("null"),
        }
        return reader.text[start..reader.position];
    }

    fn skipObject(reader: *Reader) Error!void {
        try reader.open('{');
        defer reader.close();
        if (reader.take('}')) return;
        while (true) {
            _ = try reader.name();
            _ = try reader.skip();
            if (!try reader.another('}')) return;
        }
    }

    fn skipArray(reader: *Reader) Error!void {
        try reader.open('[');
        defer reader.close();
        if (reader.take(']')) return;
        while (true) {
            _ = try reader.skip();
            if (!try reader.another(']')) return;
        }
    }

    /// Takes a member's name and the colon behind it.
    pub fn name(reader: *Reader) Error!String {
        const result = try reader.string();
        reader.skipBlanks();
        try reader.expect(':');
        reader.skipBlanks();
        return result;
    }

    /// Takes what is behind an element: a comma, or the end.
    pub fn another(reader: *Reader, end: u8) Error!bool {
        reader.skipBlanks();
        if (reader.take(end)) return false;
        try reader.expect(',');
        reader.skipBlanks();
        return true;
    }

    pub fn word(reader: *Reader, text: []const u8) Error!void {
        if (!std.mem.startsWith(u8, reader.text[reader.position..], text)) return error.Malformed;
        reader.position += text.len;
    }

    pub fn string(reader: *Reader) Error!String {
        try reader.expect('"');
        const start = reader.position;
        var escaped = false;
        while (true) {
            const octet = try reader.peek();
            reader.position += 1;
            switch (octet) {
                '"' => return .{ .raw = reader.text[start .. reader.position - 1], .escaped = escaped },
                '\\' => {
                    escaped = true;
                    try reader.escape();
                },
                0...0x1f => return error.Malformed,
                else => {},
            }
        }
    }

    fn escape(reader: *Reader) Error!void {
        const octet = try reader.peek();
        reader.position += 1;
        switch (octet) {
            '"', '\\', '/', 'b', 'f', 'n', 'r', 't' => {},
            'u' => {
                const unit = try reader.codeUnit();
                if (std.unicode.utf16IsLowSurrogate(unit)) return error.Malformed;
                if (!std.unicode.utf16IsHighSurrogate(unit)) return;
                try reader.word("\\u");
                if (!std.unicode.utf16IsLowSurrogate(try reader.codeUnit())) return error.Malformed;
            },
            else => return error.Malformed,
        }
    }

    fn codeUnit(reader: *Reader) Error!u16 {
        if (reader.text.len - reader.position < 4) return error.Malformed;
        const unit = parseCodeUnit(reader.text[reader.position..][0..4]) orelse return error.Malformed;
        reader.position += 4;
        return unit;
    }

    pub fn number(reader: *Reader) Error![]const u8 {
        const start = reader.position;
        _ = reader.take('-');
        if (!reader.take('0')) try reader.digits();
        if (reader.take('.')) try reader.digits();
        if (reader.take('e') or reader.take('E')) {
            if (!reader.take('+')) _ = reader.take('-');
            try reader.digits();
        }
        return reader.text[start..reader.position];
    }

    fn digits(reader: *Reader) Error!void {
        const start = reader.position;
        while (reader.position < reader.text.len and std.ascii.isDigit(reader.text[reader.position])) reader.position += 1;
        if (reader.position == start) return error.Malformed;
    }
};

fn parseCodeUnit(hex: *const [4]u8) ?u16 {
    var unit: u16 = 0;
    for (hex) |octet| {
        unit = unit << 4 | (std.fmt.charToDigit(octet, 16) catch return null);
    }
    return unit;
}

/// A string as it stands between its quotes, known to be well-formed.
pub const String = struct {
    raw: []const u8,
    escaped: bool,

    /// The characters that it stands for. Allocates only where there is an escape.
    pub fn decode(string: String, allocator: std.mem.Allocator) std.mem.Allocator.Error![]const u8 {
        if (!string.escaped) return string.raw;
        // No escape is shorter than what it stands for.
        const result = try allocator.alloc(u8, string.raw.len);
        var length: usize = 0;
        var position: usize = 0;
        while (position < string.raw.len) {
            const octet = string.raw[position];
            if (octet != '\\') {
                result[length] = octet;
                length += 1;
                position += 1;
            } else {
                const character = unescape(string.raw, &position);
                length += std.unicode.utf8Encode(character, result[length..]) catch unreachable; // no surrogate is left
            }
        }
        return result[0..length];
    }

    fn unescape(raw: []const u8, position: *usize) u21 {
        const letter = raw[position.* + 1];
        if (letter != 'u') {
            position.* += 2;
            return switch (letter) {
                'b' => 0x08,
                'f' => 0x0c,
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                else => letter,
            };
        }
        const first = parseCodeUnit(raw[position.* + 2 ..][0..4]).?;
        position.* += 6;
        if (!std.unicode.utf16IsHighSurrogate(first)) return first;
        const second = parseCodeUnit(raw[position.* + 2 ..][0..4]).?;
        position.* += 6;
        return std.unicode.utf16DecodeSurrogatePair(&.{ first, second }) catch unreachable; // `escape` saw the pair
    }
};
