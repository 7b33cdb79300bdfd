//! Access tokens: JWTs (RFC 7519) signed with HS256.

const std = @import("std");
const identifier = @import("../identifier.zig");
const object = @import("../json/object.zig");
const reader_module = @import("../json/reader.zig");

const base64 = std.base64.url_safe_no_pad;
const HmacSha256 = std.crypto.auth.hmac.sha2.HmacSha256;

/// Seconds for which an issued token is valid.
pub const lifetime = 3600;

const issuer = "fairground";
const audience = "fairground-api";
const header = base64Encoded("{\"alg\":\"HS256\",\"typ\":\"JWT\"}");

/// Who a token speaks for.
pub const User = struct {
    id: i64,
    name: []const u8,
};

pub const VerifyError = error{Refused} || std.mem.Allocator.Error;

/// Issues and verifies tokens under one secret. It has no state, so that any
/// number of threads may use it.
pub const Authority = struct {
    /// Has taken up the key, and is copied for each message.
    keyed: HmacSha256,

    pub fn init(secret: []const u8) Authority {
        return .{ .keyed = .init(secret) };
    }

    /// A new token, issued at `now` (seconds since 1970).
    pub fn issue(authority: *const Authority, user: User, now: i64, allocator: std.mem.Allocator) std.mem.Allocator.Error![]const u8 {
        // A username needs no escape.
        const claims = try std.fmt.allocPrint(
            allocator,
            "{{\"sub\":\"{d}\",\"name\":\"{s}\",\"iat\":{d},\"exp\":{d},\"iss\":\"" ++ issuer ++ "\",\"aud\":\"" ++ audience ++ "\"}}",
            .{ user.id, user.name, now, now + lifetime },
        );
        const signed_length = header.len + 1 + base64.Encoder.calcSize(claims.len);
        const token = try allocator.alloc(u8, signed_length + 1 + base64.Encoder.calcSize(HmacSha256.mac_length));
        token[0..header.len].* = header;
        token[header.len] = '.';
        _ = base64.Encoder.encode(token[header.len + 1 .. signed_length], claims);
        token[signed_length] = '.';
        const signature = authority.sign(token[0..signed_length]);
        _ = base64.Encoder.encode(token[signed_length + 1 ..], &signature);
        return token;
    }

    /// Whom the token speaks for at `now`. The signature is verified first, so
    /// that nothing is read of what somebody else has written.
    pub fn verify(authority: *const Authority, token: []const u8, now: i64, allocator: std.mem.Allocator) VerifyError!User {
        const first_dot = std.mem.indexOfScalar(u8, token, '.') orelse return error.Refused;
        const last_dot = std.mem.lastIndexOfScalar(u8, token, '.').?;
        if (first_dot == last_dot) return error.Refused;

        var signature: [HmacSha256.mac_length]u8 = undefined;
        const encoded_signature = token[last_dot + 1 ..];
        if ((base64.Decoder.calcSizeForSlice(encoded_signature) catch 0) != signature.len) return error.Refused;
        base64.Decoder.decode(&signature, encoded_signature) catch return error.Refused;
        const expected = authority.sign(token[0..last_dot]);
        if (!std.crypto.timing_safe.eql([HmacSha256.mac_length]u8, signature, expected)) return error.Refused;

        try verifyHeader(try decode(token[0..first_dot], allocator), allocator);
        return readClaims(try decode(token[first_dot + 1 .. last_dot], allocator), now, allocator);
    }

    fn sign(authority: *const Authority, message: []const u8) [HmacSha256.mac_length]u8 {
        var hmac = authority.keyed;
        hmac.update(message);
        var signature: [HmacSha256.mac_length]u8 = undefined;
        hmac.final(&signature);
        return signature;
    }
};

/// A dot within the part, of which there would be a fourth then, is outside of
/// the alphabet.
fn decode(part: []const u8, allocator: std.mem.Allocator) VerifyError![]const u8 {
    const length = base64.Decoder.calcSizeForSlice(part) catch return error.Refused;
    const octets = try allocator.alloc(u8, length);
    base64.Decoder.decode(octets, part) catch return error.Refused;
    return octets;
}

fn verifyHeader(text: []const u8, allocator: std.mem.Allocator) VerifyError!void {
    var members = [_]object.Member{.{ .name = "alg" }};
    try read(text, &members, allocator);
    if (!std.mem.eql(u8, try stringOf(members[0], allocator), "HS256")) return error.Refused;
}

fn readClaims(text: []const u8, now: i64, allocator: std.mem.Allocator) VerifyError!User {
    var members = [_]object.Member{
        .{ .name = "sub" }, .{ .name = "name" }, .{ .name = "iat" }, .{ .name = "exp" },
        .{ .name = "iss" }, .{ .name = "aud" },  .{ .name = "nbf" },
    };
    try read(text, &members, allocator);
    const subject, const name, const issued_at, const expiry, const issued_by, const audiences, const not_before = members;

    const id = identifier.parse(try stringOf(subject, allocator)) orelse return error.Refused;
    const username = try stringOf(name, allocator);
    if (!identifier.isUsername(username)) return error.Refused;
    _ = try integerOf(issued_at);
    if (try integerOf(expiry) <= now) return error.Refused;
    if (not_before.value) |value| {
        if (value.kind != .null and try integerOf(not_before) > now) return error.Refused;
    }
    if (!std.mem.eql(u8, try stringOf(issued_by, allocator), issuer)) return error.Refused;
    if (!try hasAudience(audiences, allocator)) return error.Refused;
    return .{ .id = id, .name = username };
}

fn read(text: []const u8, members: []object.Member, allocator: std.mem.Allocator) VerifyError!void {
    object.read(text, members, allocator) catch |failure| return switch (failure) {
        error.Malformed => error.Refused,
        error.OutOfMemory => error.OutOfMemory,
    };
}

fn stringOf(member: object.Member, allocator: std.mem.Allocator) VerifyError![]const u8 {
    const value = member.value orelse return error.Refused;
    if (value.kind != .string) return error.Refused;
    return value.decode(allocator);
}

/// An integer, written without fraction and exponent.
fn integerOf(member: object.Member) VerifyError!i64 {
    const value = member.value orelse return error.Refused;
    if (value.kind != .number) return error.Refused;
    return std.fmt.parseInt(i64, value.raw, 10) catch error.Refused;
}

/// Tells whether the claim is the audience, or an array of strings that has it.
fn hasAudience(member: object.Member, allocator: std.mem.Allocator) VerifyError!bool {
    const value = member.value orelse return error.Refused;
    if (value.kind != .array) return std.mem.eql(u8, try stringOf(member, allocator), audience);
    // The text was read once, so its grammar is known to be good.
    var reader: reader_module.Reader = .{ .text = value.raw };
    reader.open('[') catch return error.Refused;
    var found = false;
    if (reader.take(']')) return false;
    while (true) {
        const element = reader.string() catch return error.Refused;
        if (std.mem.eql(u8, try element.decode(allocator), audience)) found = true;
        if (!(reader.another(']') catch return error.Refused)) return found;
    }
}

fn base64Encoded(comptime text: []const u8) [base64.Encoder.calcSize(text.len)]u8 {
    var result: [base64.Encoder.calcSize(text.len)]u8 = undefined;
    _ = base64.Encoder.encode(&result, text);
    return result;
}
