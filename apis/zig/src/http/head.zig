//! The head of an HTTP/1.1 request: request line and header fields (RFC 9112),
//! read strictly. What two readers could understand in two ways is refused.

const std = @import("std");

pub const Error = error{Malformed};

/// How the body is delimited.
pub const Framing = union(enum) {
    length: u64,
    chunked,
};

pub const Head = struct {
    method: []const u8 = "",
    /// Unedited, without the query.
    path: []const u8 = "",
    /// What follows the first `?`.
    query: []const u8 = "",
    /// The header lines, each with its CRLF.
    fields: []const u8 = "",
    framing: Framing = .{ .length = 0 },
    /// The connection may be used for another request.
    keep_alive: bool = true,
    /// The client waits for a 100 before it sends the body.
    expects_continue: bool = false,

    /// The value of a field that is there exactly once.
    pub fn get(head: *const Head, name: []const u8) ?[]const u8 {
        var found: ?[]const u8 = null;
        var lines = std.mem.splitSequence(u8, head.fields, "\r\n");
        while (lines.next()) |line| {
            const is_it = line.len > name.len and line[name.len] == ':' and std.ascii.eqlIgnoreCase(line[0..name.len], name);
            if (!is_it) continue;
            if (found != null) return null;
            found = trim(line[name.len + 1 ..]);
        }
        return found;
    }
};

/// Reads a whole head, its empty line included. The result refers to `bytes`.
pub fn parse(bytes: []const u8) Error!Head {
    const line_end = std.mem.indexOf(u8, bytes, "\r\n") orelse return error.Malformed;
    var head = try parseRequestLine(bytes[0..line_end]);
    head.fields = bytes[line_end + 2 .. bytes.len - 2];
    try parseFields(&head);
    return head;
}

fn parseRequestLine(line: []const u8) Error!Head {
    var words = std.mem.splitScalar(u8, line, ' ');
    const method = words.first();
    const target = words.next() orelse return error.Malformed;
    if (!std.mem.eql(u8, words.rest(), "HTTP/1.1")) return error.Malformed;
    if (!isToken(method) or target.len == 0 or target[0] != '/') return error.Malformed;
    for (target) |byte| {
        if (!std.ascii.isPrint(byte)) return error.Malformed;
    }
    const question = std.mem.indexOfScalar(u8, target, '?') orelse target.len;
    return .{
        .method = method,
        .path = target[0..question],
        .query = target[@min(question + 1, target.len)..],
    };
}

fn parseFields(head: *Head) Error!void {
    var hosts: usize = 0;
    var framings: usize = 0;
    var rest = head.fields;
    while (rest.len != 0) {
        const end = std.mem.indexOf(u8, rest, "\r\n") orelse return error.Malformed;
        const line = rest[0..end];
        rest = rest[end + 2 ..];
        // A line that begins with a blank would continue the one before it (obsolete
        // line folding); it has no name, and so is refused as well.
        const colon = std.mem.indexOfScalar(u8, line, ':') orelse return error.Malformed;
        const name = line[0..colon];
        const value = trim(line[colon + 1 ..]);
        if (!isToken(name) or !isFieldValue(value)) return error.Malformed;
        if (std.ascii.eqlIgnoreCase(name, "host")) {
            hosts += 1;
        } else if (std.ascii.eqlIgnoreCase(name, "content-length")) {
            framings += 1;
            head.framing = .{ .length = try parseLength(value) };
        } else if (std.ascii.eqlIgnoreCase(name, "transfer-encoding")) {
            framings += 1;
            if (!std.ascii.eqlIgnoreCase(value, "chunked")) return error.Malformed;
            head.framing = .chunked;
        } else if (std.ascii.eqlIgnoreCase(name, "connection")) {
            var options = std.mem.tokenizeAny(u8, value, ", \t");
            while (options.next()) |option| {
                if (std.ascii.eqlIgnoreCase(option, "close")) head.keep_alive = false;
            }
        } else if (std.ascii.eqlIgnoreCase(name, "expect")) {
            if (std.ascii.eqlIgnoreCase(value, "100-continue")) head.expects_continue = true;
        }
    }
    if (hosts != 1 or framings > 1) return error.Malformed;
}

fn parseLength(value: []const u8) Error!u64 {
    for (value) |byte| {
        if (!std.ascii.isDigit(byte)) return error.Malformed;
    }
    return std.fmt.parseInt(u64, value, 10) catch error.Malformed;
}

/// Removes the blanks around a field's value.
pub fn trim(value: []const u8) []const u8 {
    return std.mem.trim(u8, value, " \t");
}

/// Whether `text` is a token (RFC 9110, section 5.6.2).
pub fn isToken(text: []const u8) bool {
    for (text) |byte| {
        if (!token_bytes[byte]) return false;
    }
    return text.len != 0;
}

const token_bytes: [256]bool = table: {
    var table = [_]bool{false} ** 256;
    for (0..256) |byte| table[byte] = std.ascii.isAlphanumeric(byte);
    for ("!#$%&'*+-.^_`|~") |byte| table[byte] = true;
    break :table table;
};

fn isFieldValue(value: []const u8) bool {
    for (value) |byte| {
        if (byte < ' ' and byte != '\t' or byte == 0x7f) return false;
    }
    return true;
}
