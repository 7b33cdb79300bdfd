//! The two kinds of names of the contract: ids and usernames.

const std = @import("std");

/// Reads an id: a decimal from 1 to 2⁶³−1 without sign or leading zero.
pub fn parse(text: []const u8) ?i64 {
    if (text.len == 0 or text.len > 19 or text[0] == '0') return null;
    var id: u64 = 0;
    for (text) |octet| {
        if (!std.ascii.isDigit(octet)) return null;
        id = id * 10 + (octet - '0'); // nineteen digits can't overflow
    }
    return std.math.cast(i64, id);
}

/// Tells whether `text` is 3 to 32 of a–z, 0–9 and the underscore.
pub fn isUsername(text: []const u8) bool {
    if (text.len < 3 or text.len > 32) return false;
    for (text) |octet| {
        switch (octet) {
            'a'...'z', '0'...'9', '_' => {},
            else => return false,
        }
    }
    return true;
}
