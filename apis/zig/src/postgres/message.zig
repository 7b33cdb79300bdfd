//! The messages of PostgreSQL's protocol, version 3 (chapter "Frontend/Backend
//! Protocol" of its manual): written into a buffer, and read out of one.

const std = @import("std");

pub const Buffer = std.ArrayListUnmanaged(u8);

/// A value for a parameter of a statement. Integers are sent in binary.
pub const Parameter = union(enum) {
    integer: i64,
    text: []const u8,
};

/// Appends messages to a buffer.
pub const Writer = struct {
    buffer: *Buffer,
    allocator: std.mem.Allocator,

    pub fn startup(writer: Writer, user: []const u8, database: []const u8) std.mem.Allocator.Error!void {
        const start = try writer.begin(null);
        try writer.integer(i32, 3 << 16);
        const settings = [_][2][]const u8{
            .{ "user", user },
            .{ "database", database },
            .{ "client_encoding", "UTF8" },
            .{ "application_name", "fairground" },
        };
        for (settings) |setting| {
            try writer.string(setting[0]);
            try writer.string(setting[1]);
        }
        try writer.integer(u8, 0);
        writer.end(start);
    }

    pub fn saslInitial(writer: Writer, mechanism: []const u8, response: []const u8) std.mem.Allocator.Error!void {
        const start = try writer.begin('p');
        try writer.string(mechanism);
        try writer.integer(i32, @intCast(response.len));
        try writer.buffer.appendSlice(writer.allocator, response);
        writer.end(start);
    }

    pub fn saslResponse(writer: Writer, response: []const u8) std.mem.Allocator.Error!void {
        const start = try writer.begin('p');
        try writer.buffer.appendSlice(writer.allocator, response);
        writer.end(start);
    }

    /// Prepares a statement under a name. The types of its parameters are told
    /// by PostgreSQL.
    pub fn parse(writer: Writer, name: []const u8, sql: []const u8) std.mem.Allocator.Error!void {
        const start = try writer.begin('P');
        try writer.string(name);
        try writer.string(sql);
        try writer.integer(i16, 0);
        writer.end(start);
    }

    /// Binds parameters to a prepared statement; results come in binary.
    pub fn bind(writer: Writer, name: []const u8, parameters: []const Parameter) std.mem.Allocator.Error!void {
        const start = try writer.begin('B');
        try writer.string("");
        try writer.string(name);
        try writer.integer(i16, @intCast(parameters.len));
        for (parameters) |parameter| try writer.integer(i16, if (parameter == .integer) 1 else 0);
        try writer.integer(i16, @intCast(parameters.len));
        for (parameters) |parameter| {
            switch (parameter) {
                .integer => |number| {
                    try writer.integer(i32, @sizeOf(i64));
                    try writer.integer(i64, number);
                },
                .text => |text| {
                    try writer.integer(i32, @intCast(text.len));
                    try writer.buffer.appendSlice(writer.allocator, text);
                },
            }
        }
        try writer.integer(i16, 1);
        try writer.integer(i16, 1);
        writer.end(start);
    }

    /// Executes what was bound, and fetches all rows.
    pub fn execute(writer: Writer) std.mem.Allocator.Error!void {
        const start = try writer.begin('E');
        try writer.string("");
        try writer.integer(i32, 0);
        writer.end(start);
    }

    pub fn sync(writer: Writer) std.mem.Allocator.Error!void {
        writer.end(try writer.begin('S'));
    }

    fn begin(writer: Writer, tag: ?u8) std.mem.Allocator.Error!usize {
        if (tag) |octet| try writer.integer(u8, octet);
        const start = writer.buffer.items.len;
        try writer.integer(i32, 0); // the length, once it is known
        return start;
    }

    fn end(writer: Writer, start: usize) void {
        const length: u32 = @intCast(writer.buffer.items.len - start);
        std.mem.writeInt(u32, writer.buffer.items[start..][0..4], length, .big);
    }

    fn integer(writer: Writer, Integer: type, number: Integer) std.mem.Allocator.Error!void {
        var octets: [@sizeOf(Integer)]u8 = undefined;
        std.mem.writeInt(Integer, &octets, number, .big);
        try writer.buffer.appendSlice(writer.allocator, &octets);
    }

    fn string(writer: Writer, text: []const u8) std.mem.Allocator.Error!void {
        try writer.buffer.appendSlice(writer.allocator, text);
        try writer.integer(u8, 0);
    }
};

pub const Error = error{Malformed};

/// Octets that a message of the server may have. A row of the contract's has at
/// most 81 KB.
const max_message = 1 << 20;

pub const Message = struct {
    tag: u8,
    payload: []const u8,
    /// Octets of the whole message.
    length: usize,

    /// The message at the front of `octets`; null if it is not complete.
    pub fn next(octets: []const u8) Error!?Message {
        if (octets.len < 5) return null;
        const length = std.mem.readInt(u32, octets[1..5], .big);
        if (length < 4 or length > max_message) return error.Malformed;
        if (octets.len < length + 1) return null;
        return .{ .tag = octets[0], .payload = octets[5 .. length + 1], .length = length + 1 };
    }
};

/// Octets that the message at the front has, as far as it has told.
pub fn announcedLength(octets: []const u8) usize {
    if (octets.len < 5) return 5;
    return @min(std.mem.readInt(u32, octets[1..5], .big), max_message) + 1;
}

/// The columns of a row, one after the other.
pub const Row = struct {
    rest: []const u8,

    pub fn init(payload: []const u8, columns: u16) Error!Row {
        if (payload.len < 2 or std.mem.readInt(u16, payload[0..2], .big) != columns) return error.Malformed;
        return .{ .rest = payload[2..] };
    }

    pub fn text(row: *Row) Error![]const u8 {
        if (row.rest.len < 4) return error.Malformed;
        const length = std.mem.readInt(i32, row.rest[0..4], .big);
        // The contract's columns are never null.
        if (length < 0 or row.rest.len - 4 < length) return error.Malformed;
        const value = row.rest[4..][0..@intCast(length)];
        row.rest = row.rest[4 + value.len ..];
        return value;
    }

    pub fn integer(row: *Row) Error!i64 {
        const value = try row.text();
        if (value.len != @sizeOf(i64)) return error.Malformed;
        return std.mem.readInt(i64, value[0..8], .big);
    }

    /// A timestamp with time zone, in milliseconds since 1970.
    pub fn time(row: *Row) Error!u64 {
        const since_2000 = try row.integer(); // microseconds
        const between = 946_684_800_000;
        const milliseconds = @divFloor(since_2000, std.time.us_per_ms) + between;
        // What HTTP and JSON show has four digits for the year.
        if (milliseconds < 0 or milliseconds > 253_402_300_799_999) return error.Malformed;
        return @intCast(milliseconds);
    }
};

/// A copy, cut where it is too long.
pub const Text = struct {
    buffer: [max_length]u8 = undefined,
    length: usize = 0,

    const max_length = 160;

    pub fn of(value: []const u8) Text {
        var text: Text = .{ .length = @min(value.len, max_length) };
        // Not within a character: it goes into the log, which is UTF-8.
        while (text.length < value.len and text.length > 0 and value[text.length] & 0xc0 == 0x80) text.length -= 1;
        @memcpy(text.buffer[0..text.length], value[0..text.length]);
        if (!std.unicode.utf8ValidateSlice(text.slice())) text.length = 0;
        return text;
    }

    pub fn slice(text: *const Text) []const u8 {
        return text.buffer[0..text.length];
    }
};

/// What the server says of an error.
pub const ServerError = struct {
    /// SQLSTATE.
    code: [5]u8 = "XX000".*,
    constraint: Text = .{},
    message: Text = .{},

    pub fn parse(payload: []const u8) Error!ServerError {
        var result: ServerError = .{};
        var rest = payload;
        while (rest.len != 0 and rest[0] != 0) {
            const end = std.mem.indexOfScalarPos(u8, rest, 1, 0) orelse return error.Malformed;
            const value = rest[1..end];
            switch (rest[0]) {
                'C' => if (value.len == 5) {
                    result.code = value[0..5].*;
                },
                'n' => result.constraint = .of(value),
                'M' => result.message = .of(value),
                else => {},
            }
            rest = rest[end + 1 ..];
        }
        return result;
    }

    /// The server can't be used at the moment: it is starting or stopping, or
    /// has no connection left (appendix "PostgreSQL Error Codes").
    pub fn isOutage(failure: *const ServerError) bool {
        return std.mem.startsWith(u8, &failure.code, "08") or
            std.mem.startsWith(u8, &failure.code, "57P") or
            std.mem.eql(u8, &failure.code, "53300");
    }
};

/// The number of rows in the tag of a completed command: `INSERT 0 1`.
pub fn affectedRows(payload: []const u8) u64 {
    const tag = std.mem.trimRight(u8, payload, "\x00");
    const space = std.mem.lastIndexOfScalar(u8, tag, ' ') orelse return 0;
    return std.fmt.parseInt(u64, tag[space + 1 ..], 10) catch 0;
}
