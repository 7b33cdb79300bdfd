//! The messages of PostgreSQL's protocol, version 3 (chapter "Frontend/Backend
//! Protocol" of its manual): written into a buffer, and read out of one.

const std = @import("std");
const Time = @import("../time.zig").Time;

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

    /// Prepares a statement under a name. PostgreSQL infers the types of its
    /// parameters.
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

    /// Forgets a prepared statement.
    pub fn close(writer: Writer, name: []const u8) std.mem.Allocator.Error!void {
        const start = try writer.begin('C');
        try writer.integer(u8, 'S');
        try writer.string(name);
        writer.end(start);
    }

    pub fn sync(writer: Writer) std.mem.Allocator.Error!void {
        writer.end(try writer.begin('S'));
    }

    fn begin(writer: Writer, tag: ?u8) std.mem.Allocator.Error!usize {
        if (tag) |byte| try writer.integer(u8, byte);
        const start = writer.buffer.items.len;
        try writer.integer(i32, 0); // the length, once it is known
        return start;
    }

    fn end(writer: Writer, start: usize) void {
        const length: u32 = @intCast(writer.buffer.items.len - start);
        std.mem.writeInt(u32, writer.buffer.items[start..][0..4], length, .big);
    }

    fn integer(writer: Writer, Integer: type, number: Integer) std.mem.Allocator.Error!void {
        var bytes: [@sizeOf(Integer)]u8 = undefined;
        std.mem.writeInt(Integer, &bytes, number, .big);
        try writer.buffer.appendSlice(writer.allocator, &bytes);
    }

    fn string(writer: Writer, text: []const u8) std.mem.Allocator.Error!void {
        try writer.buffer.appendSlice(writer.allocator, text);
        try writer.integer(u8, 0);
    }
};

pub const Error = error{Malformed};

/// Bytes that a message of the server may have. A row of the contract's has at
/// most 81 KB.
const max_message = 1 << 20;

pub const Message = struct {
    tag: u8,
    payload: []const u8,
    /// Bytes of the whole message.
    length: usize,

    /// The message at the front of `bytes`; null if it is not complete.
    pub fn next(bytes: []const u8) Error!?Message {
        if (bytes.len < 5) return null;
        const length = std.mem.readInt(u32, bytes[1..5], .big);
        if (length < 4 or length > max_message) return error.Malformed;
        if (bytes.len < length + 1) return null;
        return .{ .tag = bytes[0], .payload = bytes[5 .. length + 1], .length = length + 1 };
    }
};

/// Bytes that the message at the front has, as far as is known.
pub fn announcedLength(bytes: []const u8) usize {
    if (bytes.len < 5) return 5;
    return @min(std.mem.readInt(u32, bytes[1..5], .big), max_message) + 1;
}

/// The rows that a statement has returned.
pub const Rows = struct {
    /// Payloads of DataRow messages, one behind the other.
    rest: []const u8,

    /// The next row, as a struct whose members have the order of the columns. An
    /// i64 is a bigint, a slice a text (there as long as the rows), a Time a
    /// timestamp with time zone, and a struct stands for its members.
    pub fn next(rows: *Rows, Row: type) Error!?Row {
        if (rows.rest.len == 0) return null;
        const columns = std.mem.readInt(u16, (try rows.take(2))[0..2], .big);
        if (columns != comptime countColumns(Row)) return error.Malformed;
        return try rows.value(Row);
    }

    fn countColumns(Row: type) u16 {
        if (Row == Time or @typeInfo(Row) != .@"struct") return 1;
        var count: u16 = 0;
        for (@typeInfo(Row).@"struct".fields) |field| count += countColumns(field.type);
        return count;
    }

    fn value(rows: *Rows, Value: type) Error!Value {
        switch (Value) {
            []const u8 => return rows.column(),
            i64 => {
                const bytes = try rows.column();
                if (bytes.len != 8) return error.Malformed;
                return std.mem.readInt(i64, bytes[0..8], .big);
            },
            Time => {
                const since_2000 = try rows.value(i64); // microseconds
                const between = 946_684_800_000;
                const milliseconds = @divFloor(since_2000, std.time.us_per_ms) + between;
                // HTTP and JSON show four digits of the year.
                if (milliseconds < 0 or milliseconds > 253_402_300_799_999) return error.Malformed;
                return .{ .milliseconds = @intCast(milliseconds) };
            },
            else => {
                var result: Value = undefined;
                inline for (@typeInfo(Value).@"struct".fields) |field| {
                    @field(result, field.name) = try rows.value(field.type);
                }
                return result;
            },
        }
    }

    fn column(rows: *Rows) Error![]const u8 {
        const length = std.mem.readInt(i32, (try rows.take(4))[0..4], .big);
        if (length < 0) return error.Malformed; // no column of the contract is ever null
        return rows.take(@intCast(length));
    }

    fn take(rows: *Rows, length: usize) Error![]const u8 {
        if (rows.rest.len < length) return error.Malformed;
        defer rows.rest = rows.rest[length..];
        return rows.rest[0..length];
    }
};

/// A text that outlives the message it came in.
pub const Text = std.BoundedArray(u8, max_text);
const max_text = 160;

/// A copy of the text, cut where it is too long.
pub fn cut(text: []const u8) Text {
    return Text.fromSlice(text[0..@min(text.len, max_text)]) catch unreachable;
}

/// What the server says of an error.
pub const ServerError = struct {
    /// SQLSTATE.
    code: [5]u8 = "XX000".*,
    constraint: Text = .{},
    /// The code, and the server's message.
    text: Text = .{},

    pub fn parse(payload: []const u8) Error!ServerError {
        var result: ServerError = .{};
        var message: []const u8 = "no message";
        var rest = payload;
        while (rest.len != 0 and rest[0] != 0) {
            const end = std.mem.indexOfScalarPos(u8, rest, 1, 0) orelse return error.Malformed;
            const value = rest[1..end];
            switch (rest[0]) {
                'C' => if (value.len == 5) {
                    result.code = value[0..5].*;
                },
                'n' => result.constraint = cut(value),
                'M' => message = value,
                else => {},
            }
            rest = rest[end + 1 ..];
        }
        result.text.appendSliceAssumeCapacity(&result.code);
        result.text.appendSliceAssumeCapacity(": ");
        result.text.appendSliceAssumeCapacity(message[0..@min(message.len, max_text - result.text.len)]);
        return result;
    }
};

/// The number of rows in the tag of a completed command: `INSERT 0 1`.
pub fn affectedRows(payload: []const u8) u64 {
    const tag = std.mem.trimRight(u8, payload, "\x00");
    const space = std.mem.lastIndexOfScalar(u8, tag, ' ') orelse return 0;
    return std.fmt.parseInt(u64, tag[space + 1 ..], 10) catch 0;
}
