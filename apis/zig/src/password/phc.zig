//! Hashes of passwords as text: the PHC string format, for argon2id alone.

const std = @import("std");

const base64 = std.base64.standard_no_pad;

/// Parameters of new hashes: the first choice of the OWASP password storage
/// cheat sheet for argon2id with 19 MiB.
pub const memory_kib = 19456;
pub const iterations = 2;
pub const lanes = 1;
pub const salt_length = 16;
pub const key_length = 32;

/// Bounds on a stored hash, so that a damaged one can't take the process down.
const max_memory_kib = 1 << 20;
const max_iterations = 64;
const max_lanes = 16;
const max_field = 64;
const min_salt = 8;
const min_key = 16;

const prefix = "$argon2id$v=19$";
const new_parameters = std.fmt.comptimePrint("m={d},t={d},p={d}$", .{ memory_kib, iterations, lanes });

pub const Error = error{NotArgon2id};

pub const Hash = struct {
    memory_kib: u32,
    iterations: u32,
    lanes: u24,
    salt_buffer: [max_field]u8 = undefined,
    salt_length: usize,
    key_buffer: [max_field]u8 = undefined,
    key_length: usize,

    pub fn salt(hash: *const Hash) []const u8 {
        return hash.salt_buffer[0..hash.salt_length];
    }

    pub fn key(hash: *const Hash) []const u8 {
        return hash.key_buffer[0..hash.key_length];
    }

    pub fn parse(text: []const u8) Error!Hash {
        if (!std.mem.startsWith(u8, text, prefix)) return error.NotArgon2id;
        var fields = std.mem.splitScalar(u8, text[prefix.len..], '$');
        var parameters = std.mem.splitScalar(u8, fields.first(), ',');
        var hash: Hash = .{
            .memory_kib = try parameter(parameters.next(), "m=", 8, max_memory_kib),
            .iterations = try parameter(parameters.next(), "t=", 1, max_iterations),
            .lanes = @intCast(try parameter(parameters.next(), "p=", 1, max_lanes)),
            .salt_length = undefined,
            .key_length = undefined,
        };
        if (parameters.next() != null or hash.memory_kib < 8 * @as(u32, hash.lanes)) return error.NotArgon2id;
        hash.salt_length = try decodeField(fields.next(), min_salt, &hash.salt_buffer);
        hash.key_length = try decodeField(fields.next(), min_key, &hash.key_buffer);
        if (fields.next() != null) return error.NotArgon2id;
        return hash;
    }
};

pub const text_length = prefix.len + new_parameters.len +
    base64.Encoder.calcSize(salt_length) + 1 + base64.Encoder.calcSize(key_length);

/// Formats a hash with the parameters of new ones.
pub fn format(salt: *const [salt_length]u8, key: *const [key_length]u8) [text_length]u8 {
    var text: [text_length]u8 = undefined;
    const front = prefix ++ new_parameters;
    const salt_end = front.len + base64.Encoder.calcSize(salt_length);
    text[0..front.len].* = front.*;
    _ = base64.Encoder.encode(text[front.len..salt_end], salt);
    text[salt_end] = '$';
    _ = base64.Encoder.encode(text[salt_end + 1 ..], key);
    return text;
}

/// Reads a decimal without sign or leading zero behind its name.
fn parameter(field: ?[]const u8, name: []const u8, low: u32, high: u32) Error!u32 {
    const text = field orelse return error.NotArgon2id;
    if (!std.mem.startsWith(u8, text, name)) return error.NotArgon2id;
    const digits = text[name.len..];
    if (digits.len == 0 or digits.len > 9 or digits[0] == '0') return error.NotArgon2id;
    var number: u32 = 0;
    for (digits) |digit| {
        if (!std.ascii.isDigit(digit)) return error.NotArgon2id;
        number = number * 10 + (digit - '0');
    }
    return if (number >= low and number <= high) number else error.NotArgon2id;
}

fn decodeField(field: ?[]const u8, low: usize, buffer: *[max_field]u8) Error!usize {
    const text = field orelse return error.NotArgon2id;
    const length = base64.Decoder.calcSizeForSlice(text) catch return error.NotArgon2id;
    if (length < low or length > buffer.len) return error.NotArgon2id;
    base64.Decoder.decode(buffer[0..length], text) catch return error.NotArgon2id;
    return length;
}
