//! The chunked transfer coding (RFC 9112, section 7.1), decoded as it arrives.

const std = @import("std");

pub const Error = error{Malformed};

/// Bytes that a line may have: a chunk's size with its extensions, or a line of
/// the trailer.
pub const max_line = 1024;
const max_trailer_lines = 64;

pub const Decoder = struct {
    state: enum { size, data, data_end, trailer, done } = .size,
    /// Bytes of the chunk that are still to come.
    remaining: u64 = 0,
    trailer_lines: usize = 0,

    pub const Step = struct {
        /// How much of the input was used.
        consumed: usize,
        /// Content of the body, a part of the input; may be empty.
        data: []const u8 = "",
    };

    /// Uses some of the input; null if it needs more. Nothing behind the body is
    /// touched.
    pub fn next(decoder: *Decoder, input: []const u8) Error!?Step {
        switch (decoder.state) {
            .size => {
                const line = try takeLine(input) orelse return null;
                decoder.remaining = try parseSize(line);
                decoder.state = if (decoder.remaining == 0) .trailer else .data;
                return .{ .consumed = line.len + 2 };
            },
            .data => {
                if (input.len == 0) return null;
                const data = input[0..@intCast(@min(decoder.remaining, input.len))];
                decoder.remaining -= data.len;
                if (decoder.remaining == 0) decoder.state = .data_end;
                return .{ .consumed = data.len, .data = data };
            },
            .data_end => {
                if (!std.mem.startsWith(u8, "\r\n", input[0..@min(input.len, 2)])) return error.Malformed;
                if (input.len < 2) return null;
                decoder.state = .size;
                return .{ .consumed = 2 };
            },
            .trailer => {
                const line = try takeLine(input) orelse return null;
                decoder.trailer_lines += 1;
                if (decoder.trailer_lines > max_trailer_lines) return error.Malformed;
                if (line.len == 0) decoder.state = .done;
                return .{ .consumed = line.len + 2 };
            },
            .done => return null,
        }
    }
};

/// The line at the front, without its CRLF; null if it hasn't ended.
fn takeLine(input: []const u8) Error!?[]const u8 {
    const window = input[0..@min(input.len, max_line)];
    for (window, 0..) |byte, index| {
        if (byte == '\r') {
            if (index + 1 == input.len) return null;
            return if (input[index + 1] == '\n') input[0..index] else error.Malformed;
        }
        if (byte < ' ' and byte != '\t' or byte == 0x7f) return error.Malformed;
    }
    return if (window.len == max_line) error.Malformed else null;
}

fn parseSize(line: []const u8) Error!u64 {
    const end = std.mem.indexOfAny(u8, line, "; \t") orelse line.len;
    for (line[0..end]) |byte| {
        if (!std.ascii.isHex(byte)) return error.Malformed;
    }
    return std.fmt.parseInt(u63, line[0..end], 16) catch error.Malformed;
}
