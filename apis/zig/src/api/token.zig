//! Access tokens: JWTs (RFC 7519) signed with HS256.

const std = @import("std");
const json = @import("../json.zig");
const validate = @import("validate.zig");

const base64 = std.base64.url_safe_no_pad;
const HmacSha256 = std.crypto.auth.hmac.sha2.HmacSha256;
const Signature = [HmacSha256.mac_length]u8;

/// Seconds for which an issued token is valid.
pub const lifetime = 3600;

const issuer = "fairground";
const audience = "fairground-api";

/// Who a token speaks for.
pub const User = struct {
    id: i64,
    name: []const u8,
};

const Claims = struct {
    sub: []const u8,
    name: []const u8,
    iat: i64,
    exp: i64,
    iss: []const u8 = issuer,
    aud: []const u8 = audience,
};

pub const Error = error{ InvalidToken, OutOfMemory };

/// Issues and verifies tokens under one secret. It has no state, so that any
/// number of threads may use it.
pub const Authority = struct {
    /// Has taken in the key, and is copied for each message.
    keyed: HmacSha256,

    pub fn init(secret: []const u8) Authority {
        return .{ .keyed = .init(secret) };
    }

    /// A new token, issued at `now` (seconds since 1970).
    pub fn issue(authority: *const Authority, allocator: std.mem.Allocator, user: User, now: i64) error{OutOfMemory}![]const u8 {
        const claims: Claims = .{
            .sub = try std.fmt.allocPrint(allocator, "{d}", .{user.id}),
            .name = user.name,
            .iat = now,
            .exp = now + lifetime,
        };
        const header = try encode(allocator, "{\"alg\":\"HS256\",\"typ\":\"JWT\"}");
        const payload = try encode(allocator, try json.stringify(allocator, claims));
        const signed = try std.fmt.allocPrint(allocator, "{s}.{s}", .{ header, payload });
        return std.fmt.allocPrint(allocator, "{s}.{s}", .{ signed, try encode(allocator, &authority.sign(signed)) });
    }

    /// Who the token speaks for at `now`. The signature is verified first, so that
    /// nothing is read of what somebody else has written.
    pub fn verify(authority: *const Authority, allocator: std.mem.Allocator, token: []const u8, now: i64) Error!User {
        const last_dot = std.mem.lastIndexOfScalar(u8, token, '.') orelse return error.InvalidToken;
        var signature: Signature = undefined;
        const encoded = token[last_dot + 1 ..];
        if ((base64.Decoder.calcSizeForSlice(encoded) catch 0) != signature.len) return error.InvalidToken;
        base64.Decoder.decode(&signature, encoded) catch return error.InvalidToken;
        if (!std.crypto.timing_safe.eql(Signature, signature, authority.sign(token[0..last_dot]))) return error.InvalidToken;

        var parts = std.mem.splitScalar(u8, token[0..last_dot], '.');
        const header = try decode(allocator, struct { alg: []const u8 }, parts.first());
        if (!std.mem.eql(u8, header.alg, "HS256")) return error.InvalidToken;
        return readClaims(allocator, parts.rest(), now);
    }

    fn sign(authority: *const Authority, message: []const u8) Signature {
        var hmac = authority.keyed;
        hmac.update(message);
        var signature: Signature = undefined;
        hmac.final(&signature);
        return signature;
    }
};

fn readClaims(allocator: std.mem.Allocator, part: []const u8, now: i64) Error!User {
    // The audience is a string, or a list of them.
    const claims = try decode(allocator, struct {
        sub: []const u8,
        name: []const u8,
        iat: i64,
        exp: i64,
        iss: []const u8,
        aud: std.json.Value,
    }, part);
    if (claims.exp <= now) return error.InvalidToken;
    if (!std.mem.eql(u8, claims.iss, issuer) or !hasAudience(claims.aud)) return error.InvalidToken;
    return .{ .id = validate.id(claims.sub) orelse return error.InvalidToken, .name = claims.name };
}

fn hasAudience(value: std.json.Value) bool {
    switch (value) {
        .string => |name| return std.mem.eql(u8, name, audience),
        .array => |list| for (list.items) |item| {
            if (item == .string and std.mem.eql(u8, item.string, audience)) return true;
        },
        else => {},
    }
    return false;
}

/// Reads a part, which is JSON in base64url.
fn decode(allocator: std.mem.Allocator, Part: type, part: []const u8) Error!Part {
    const text = try allocator.alloc(u8, base64.Decoder.calcSizeForSlice(part) catch return error.InvalidToken);
    base64.Decoder.decode(text, part) catch return error.InvalidToken;
    return std.json.parseFromSliceLeaky(Part, allocator, text, .{ .ignore_unknown_fields = true }) catch |failure|
        if (failure == error.OutOfMemory) error.OutOfMemory else error.InvalidToken;
}

fn encode(allocator: std.mem.Allocator, bytes: []const u8) error{OutOfMemory}![]const u8 {
    return base64.Encoder.encode(try allocator.alloc(u8, base64.Encoder.calcSize(bytes.len)), bytes);
}
