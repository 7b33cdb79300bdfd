//! The chunked transfer coding (RFC 9112, section 7.1), decoded as it arrives.

const std = @import("std");

pub const Error = error{Malformed};

/// Octets that a size line may have, extensions included, and the trailer.
const max_line = 1024;
const max_trailer = 8192;

pub const Decoder = struct {
    state: State = .size,
    /// Octets of the chunk that are still to come.
    remaining: u64 = 0,
    digits: u8 = 0,
    /// Octets of the line, or of the trailer, that were seen.
    seen: usize = 0,
    trailer_line_is_empty: bool = true,

    const State = enum {
        size,
        extension,
        size_lf,
        data,
        data_cr,
        data_lf,
        trailer,
        trailer_lf,
        done,
    };

    pub const Step = struct {
        /// How much of the input was used up.
        consumed: usize,
        /// Content of the body, a part of the input.
        data: []const u8,
    };

    pub fn isDone(decoder: *const Decoder) bool {
        return decoder.state == .done;
    }

    /// Takes up input, to the end of the next piece of content at most. Nothing
    /// behind the body is touched.
    pub fn step(decoder: *Decoder, input: []const u8) Error!Step {
        var position: usize = 0;
        while (position < input.len and decoder.state != .done) {
            if (decoder.state == .data) {
                const length: usize = @intCast(@min(decoder.remaining, input.len - position));
                decoder.remaining -= length;
                if (decoder.remaining == 0) decoder.state = .data_cr;
                return .{ .consumed = position + length, .data = input[position..][0..length] };
            }
            try decoder.take(input[position]);
            position += 1;
        }
        return .{ .consumed = position, .data = "" };
    }

    fn take(decoder: *Decoder, octet: u8) Error!void {
        switch (decoder.state) {
            .size => {
                if (std.fmt.charToDigit(octet, 16)) |digit| {
                    // Fifteen digits can't overflow, and no body is that long.
                    if (decoder.digits == 15) return error.Malformed;
                    decoder.digits += 1;
                    decoder.remaining = decoder.remaining * 16 + digit;
                } else |_| {
                    if (decoder.digits == 0) return error.Malformed;
                    decoder.state = switch (octet) {
                        '\r' => .size_lf,
                        ';', ' ', '\t' => .extension,
                        else => return error.Malformed,
                    };
                }
                try decoder.count(max_line);
            },
            .extension => {
                if (octet == '\r') decoder.state = .size_lf else if (isControl(octet)) return error.Malformed;
                try decoder.count(max_line);
            },
            .size_lf => {
                if (octet != '\n') return error.Malformed;
                decoder.state = if (decoder.remaining == 0) .trailer else .data;
                decoder.seen = 0;
            },
            .data_cr => {
                if (octet != '\r') return error.Malformed;
                decoder.state = .data_lf;
            },
            .data_lf => {
                if (octet != '\n') return error.Malformed;
                decoder.* = .{};
            },
            .trailer => {
                if (octet == '\r') {
                    decoder.state = .trailer_lf;
                } else if (isControl(octet)) {
                    return error.Malformed;
                } else {
                    decoder.trailer_line_is_empty = false;
                }
                try decoder.count(max_trailer);
            },
            .trailer_lf => {
                if (octet != '\n') return error.Malformed;
                decoder.state = if (decoder.trailer_line_is_empty) .done else .trailer;
                decoder.trailer_line_is_empty = true;
            },
            .data, .done => unreachable, // `step` handles both
        }
    }

    fn count(decoder: *Decoder, limit: usize) Error!void {
        decoder.seen += 1;
        if (decoder.seen > limit) return error.Malformed;
    }
};

fn isControl(octet: u8) bool {
    return (octet < ' ' and octet != '\t') or octet == 0x7f;
}
