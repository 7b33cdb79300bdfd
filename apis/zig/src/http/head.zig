//! The head of an HTTP/1.1 request: request line and header fields (RFC 9112),
//! read strictly. What two readers could take for different things is refused.

const std = @import("std");

pub const Error = error{
    Malformed,
    /// An HTTP version other than 1.x.
    UnknownVersion,
    /// A transfer coding other than chunked.
    UnknownCoding,
};

/// How the body is delimited.
pub const Framing = union(enum) {
    length: u64,
    chunked,
};

pub const Head = struct {
    method: []const u8,
    /// As it was sent, without the query.
    path: []const u8,
    /// What follows the first `?`; empty if there is none.
    query: []const u8,
    /// The field lines, each with its CRLF.
    lines: []const u8,
    framing: Framing,
    /// The connection may be used for another request.
    keep_alive: bool,
    /// The client waits for a 100 before it sends the body.
    expects_continue: bool,

    /// The values of all fields of a name, in their order.
    pub fn values(head: *const Head, name: []const u8) Values {
        return .{ .rest = head.lines, .name = name };
    }

    /// The value of a field that is there exactly once.
    pub fn single(head: *const Head, name: []const u8) ?[]const u8 {
        var all = head.values(name);
        const first = all.next() orelse return null;
        return if (all.next() == null) first else null;
    }

    pub const empty: Head = .{
        .method = "",
        .path = "",
        .query = "",
        .lines = "",
        .framing = .{ .length = 0 },
        .keep_alive = false,
        .expects_continue = false,
    };
};

pub const Values = struct {
    rest: []const u8,
    name: []const u8,

    pub fn next(values: *Values) ?[]const u8 {
        while (values.rest.len != 0) {
            // `parse` has seen that every line has a colon and ends in CRLF.
            const end = std.mem.indexOfScalar(u8, values.rest, '\n').?;
            const line = values.rest[0 .. end - 1];
            values.rest = values.rest[end + 1 ..];
            const length = values.name.len;
            if (line.len > length and line[length] == ':' and std.ascii.eqlIgnoreCase(line[0..length], values.name)) {
                return trim(line[length + 1 ..]);
            }
        }
        return null;
    }
};

/// The length of the head at the front of `bytes`, its empty line included.
/// What precedes `from` was searched before.
pub fn lengthOf(bytes: []const u8, from: usize) ?usize {
    const end = std.mem.indexOfPos(u8, bytes, from -| 3, "\r\n\r\n") orelse return null;
    return end + 4;
}

/// Parses a whole head, its empty line included. The result refers to `bytes`.
pub fn parse(bytes: []const u8) Error!Head {
    const line_end = std.mem.indexOfScalar(u8, bytes, '\r') orelse return error.Malformed;
    var head = try parseRequestLine(bytes[0..line_end]);
    if (bytes[line_end + 1] != '\n') return error.Malformed;
    head.lines = bytes[line_end + 2 .. bytes.len - 2];
    try parseFields(&head);
    return head;
}

fn parseRequestLine(line: []const u8) Error!Head {
    const first = std.mem.indexOfScalar(u8, line, ' ') orelse return error.Malformed;
    const last = std.mem.lastIndexOfScalar(u8, line, ' ').?;
    if (last == first) return error.Malformed;
    const method, const target, const version = .{ line[0..first], line[first + 1 .. last], line[last + 1 ..] };
    if (!isToken(method) or std.mem.eql(u8, method, "CONNECT")) return error.Malformed;
    if (target.len == 0 or target[0] != '/') return error.Malformed;
    for (target) |octet| {
        if (octet <= ' ' or octet > '~') return error.Malformed;
    }
    const query_start = std.mem.indexOfScalar(u8, target, '?') orelse target.len;
    var head: Head = .empty;
    head.method = method;
    head.path = target[0..query_start];
    head.query = if (query_start == target.len) "" else target[query_start + 1 ..];
    head.keep_alive = try parseVersion(version);
    return head;
}

/// Tells whether a connection of this version is kept unless the client objects.
fn parseVersion(version: []const u8) Error!bool {
    if (version.len != 8 or !std.mem.startsWith(u8, version, "HTTP/") or version[6] != '.' or
        !std.ascii.isDigit(version[5]) or !std.ascii.isDigit(version[7])) return error.Malformed;
    if (version[5] != '1') return error.UnknownVersion;
    return version[7] != '0';
}

fn parseFields(head: *Head) Error!void {
    const is_http_10 = !head.keep_alive;
    var hosts: usize = 0;
    var lengths: usize = 0;
    var codings: usize = 0;
    var rest = head.lines;
    while (rest.len != 0) {
        const end = std.mem.indexOfScalar(u8, rest, '\r') orelse return error.Malformed;
        if (end + 1 >= rest.len or rest[end + 1] != '\n') return error.Malformed;
        const line = rest[0..end];
        rest = rest[end + 2 ..];
        // A line that begins with a blank would continue the one before it
        // (obsolete line folding); it has no name, and so is refused as well.
        const colon = std.mem.indexOfScalar(u8, line, ':') orelse return error.Malformed;
        const name = line[0..colon];
        const value = trim(line[colon + 1 ..]);
        if (!isToken(name) or !isFieldValue(value)) return error.Malformed;
        switch (knownField(name)) {
            .host => hosts += 1,
            .content_length => {
                lengths += 1;
                head.framing = .{ .length = try parseLength(value) };
            },
            .transfer_encoding => {
                codings += 1;
                if (!std.ascii.eqlIgnoreCase(value, "chunked")) return error.UnknownCoding;
            },
            .connection => {
                if (hasElement(value, "close")) head.keep_alive = false;
            },
            .expect => {
                if (std.ascii.eqlIgnoreCase(value, "100-continue")) head.expects_continue = true;
            },
            .other => {},
        }
    }
    if (lengths > 1 or codings > 1 or (lengths != 0 and codings != 0)) return error.Malformed;
    if (is_http_10) {
        if (codings != 0) return error.Malformed; // RFC 9112, section 6.1
        head.expects_continue = false;
    } else if (hosts != 1) return error.Malformed;
    if (codings != 0) head.framing = .chunked;
}

const KnownField = enum { host, content_length, transfer_encoding, connection, expect, other };

fn knownField(name: []const u8) KnownField {
    const candidate: struct { []const u8, KnownField } = switch (name.len) {
        4 => .{ "host", .host },
        6 => .{ "expect", .expect },
        10 => .{ "connection", .connection },
        14 => .{ "content-length", .content_length },
        17 => .{ "transfer-encoding", .transfer_encoding },
        else => return .other,
    };
    return if (std.ascii.eqlIgnoreCase(name, candidate[0])) candidate[1] else .other;
}

fn parseLength(value: []const u8) Error!u64 {
    if (value.len == 0 or value.len > 18) return error.Malformed;
    var length: u64 = 0;
    for (value) |octet| {
        if (!std.ascii.isDigit(octet)) return error.Malformed;
        length = length * 10 + (octet - '0');
    }
    return length;
}

/// Tells whether a comma-separated list has an element, in any case.
fn hasElement(list: []const u8, element: []const u8) bool {
    var elements = std.mem.splitScalar(u8, list, ',');
    while (elements.next()) |candidate| {
        if (std.ascii.eqlIgnoreCase(trim(candidate), element)) return true;
    }
    return false;
}

/// Removes the blanks that may surround a field's value.
pub fn trim(value: []const u8) []const u8 {
    return std.mem.trim(u8, value, " \t");
}

/// Tells whether `text` is a token (RFC 9110, section 5.6.2).
pub fn isToken(text: []const u8) bool {
    for (text) |octet| {
        if (!token_octets[octet]) return false;
    }
    return text.len != 0;
}

pub const token_octets: [256]bool = octets: {
    var table = [_]bool{false} ** 256;
    for (0..256) |octet| table[octet] = std.ascii.isAlphanumeric(octet);
    for ("!#$%&'*+-.^_`|~") |octet| table[octet] = true;
    break :octets table;
};

fn isFieldValue(value: []const u8) bool {
    for (value) |octet| {
        if (!value_octets[octet]) return false;
    }
    return true;
}

const value_octets: [256]bool = octets: {
    var table = [_]bool{true} ** 256;
    for (0..' ') |octet| table[octet] = false;
    table['\t'] = true;
    table[0x7f] = false;
    break :octets table;
};
