const std = @import("std");
const token_module = @import("token.zig");

const secret = "0123456789abcdef0123456789abcdef";
const now = 1_790_000_000;
const base64 = std.base64.url_safe_no_pad;
const HmacSha256 = std.crypto.auth.hmac.sha2.HmacSha256;

const right_header = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
const right_claims =
    \\{"sub":"7","name":"alice","iat":1790000000,"exp":1790000001,"iss":"fairground","aud":"fairground-api"}
;

fn sign(arena: std.mem.Allocator, header: []const u8, claims: []const u8) ![]const u8 {
    const encoded_header = base64.Encoder.encode(try arena.alloc(u8, base64.Encoder.calcSize(header.len)), header);
    const encoded_claims = base64.Encoder.encode(try arena.alloc(u8, base64.Encoder.calcSize(claims.len)), claims);
    const signed = try std.fmt.allocPrint(arena, "{s}.{s}", .{ encoded_header, encoded_claims });
    var signature: [HmacSha256.mac_length]u8 = undefined;
    HmacSha256.create(&signature, signed, secret);
    var encoded: [base64.Encoder.calcSize(HmacSha256.mac_length)]u8 = undefined;
    return std.fmt.allocPrint(arena, "{s}.{s}", .{ signed, base64.Encoder.encode(&encoded, &signature) });
}

fn verify(arena: std.mem.Allocator, token: []const u8) token_module.Error!token_module.User {
    const authority: token_module.Authority = .init(secret);
    return authority.verify(arena, token, now);
}

fn expectRefused(arena: std.mem.Allocator, token: []const u8) !void {
    if (verify(arena, token)) |_| {
        std.debug.print("taken: {s}\n", .{token});
        return error.TestUnexpectedResult;
    } else |failure| try std.testing.expectEqual(error.InvalidToken, failure);
}

test "an issued token has the claims, and is verified until it expires" {
    var arena_state: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena_state.deinit();
    const arena = arena_state.allocator();
    const authority: token_module.Authority = .init(secret);
    const token = try authority.issue(arena, .{ .id = 7, .name = "alice" }, now);
    const expected = try sign(arena, right_header,
        \\{"sub":"7","name":"alice","iat":1790000000,"exp":1790003600,"iss":"fairground","aud":"fairground-api"}
    );
    try std.testing.expectEqualStrings(expected, token);
    const user = try authority.verify(arena, token, now + token_module.lifetime - 1);
    try std.testing.expectEqual(7, user.id);
    try std.testing.expectEqualStrings("alice", user.name);
    try std.testing.expectError(error.InvalidToken, authority.verify(arena, token, now + token_module.lifetime));
}

test "only HS256, in whatever header" {
    var arena_state: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena_state.deinit();
    const arena = arena_state.allocator();
    _ = try verify(arena, try sign(arena, "{\"kid\":[1],\"alg\":\"HS256\"}", right_claims));
    for ([_][]const u8{
        "{\"alg\":\"none\"}",  "{\"alg\":\"hs256\"}", "{\"alg\":\"HS512\"}",   "{\"alg\":\"RS256\"}",
        "{\"typ\":\"JWT\"}",   "{\"alg\":null}",      "{\"alg\":[\"HS256\"]}", "[\"HS256\"]",
        "{\"Alg\":\"HS256\"}", "",                    "{",
    }) |header| try expectRefused(arena, try sign(arena, header, right_claims));
}

test "every part is taken octet for octet" {
    var arena_state: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena_state.deinit();
    const arena = arena_state.allocator();
    const token = try sign(arena, right_header, right_claims);
    _ = try verify(arena, token);
    for (0..token.len) |position| {
        const changed = try arena.dupe(u8, token);
        changed[position] = if (changed[position] == 'A') 'B' else 'A';
        try expectRefused(arena, changed);
    }
    for ([_][]const u8{ "", ".", "..", "...", token[0 .. token.len - 2], token[1..] }) |bad| try expectRefused(arena, bad);
    for ([_][]const u8{ "=", ".", ".x", "A", " " }) |behind| {
        try expectRefused(arena, try std.mem.concat(arena, u8, &.{ token, behind }));
    }
}

test "claims must be there and right" {
    var arena_state: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena_state.deinit();
    const arena = arena_state.allocator();
    const nested = "{\"roles\":" ++ "[" ** 40 ++ "]" ** 40 ++ ",\"tree\":" ++ "{\"a\":" ** 40 ++ "1" ++ "}" ** 40 ++ ",";
    const replacements = [_]struct { []const u8, []const u8, enum { taken, refused } }{
        .{ "\"7\"", "7", .refused },
        .{ "\"7\"", "\"0\"", .refused },
        .{ "\"7\"", "\"x\"", .refused },
        .{ "\"7\"", "\"9223372036854775808\"", .refused },
        .{ "\"alice\"", "\"\\u0061lice\"", .taken },
        .{ "\"alice\"", "null", .refused },
        .{ "\"iat\":1790000000,", "", .refused },
        .{ "1790000001", "1790000000", .refused },
        .{ "1790000001", "true", .refused },
        .{ "1790000001", "null", .refused },
        .{ "\"fairground\"", "\"Fairground\"", .refused },
        .{ "\"fairground-api\"", "\"fairground\"", .refused },
        .{ "\"fairground-api\"", "[]", .refused },
        .{ "\"fairground-api\"", "[\"x\"]", .refused },
        .{ "\"fairground-api\"", "[ \"x\" , \"fairground-api\" ]", .taken },
        .{ "{", "{\"nbf\":1790003600,\"jti\":\"1\",", .taken }, // other claims are ignored
        .{ "{", "{\"nbf\":\"never\",\"jti\":null,", .taken },
        .{ "{", nested, .taken },
        .{ "{", "[", .refused },
    };
    for (replacements) |replacement| {
        const claims = try std.mem.replaceOwned(u8, arena, right_claims, replacement[0], replacement[1]);
        const token = try sign(arena, right_header, claims);
        if (replacement[2] == .refused) try expectRefused(arena, token) else _ = try verify(arena, token);
    }
}
