const std = @import("std");
const fuzz_module = @import("../testing/fuzz.zig");
const scram = @import("scram.zig");

const HmacSha256 = std.crypto.auth.hmac.sha2.HmacSha256;
const Sha256 = std.crypto.hash.sha2.Sha256;
const base64 = std.base64.standard;

const password = "pencil";
const salt = "0123456789abcdef";
const iterations = 4096;

/// The server's side, written from RFC 5802 for the tests.
const Server = struct {
    first: [256]u8 = undefined,
    first_length: usize = 0,
    nonce: [128]u8 = undefined,
    nonce_length: usize = 0,

    fn answerFirst(server: *Server, client_first: []const u8) ![]const u8 {
        const client_nonce = client_first["n,,n=,r=".len..];
        const nonce = try std.fmt.bufPrint(&server.nonce, "{s}server", .{client_nonce});
        server.nonce_length = nonce.len;
        var encoded: [base64.Encoder.calcSize(salt.len)]u8 = undefined;
        const text = try std.fmt.bufPrint(&server.first, "r={s},s={s},i={d}", .{ nonce, base64.Encoder.encode(&encoded, salt), iterations });
        server.first_length = text.len;
        return text;
    }

    /// Checks the proof, and returns the last message.
    fn answerFinal(server: *const Server, client_first: []const u8, client_final: []const u8, buffer: *[64]u8) ![]const u8 {
        const proof_start = std.mem.indexOf(u8, client_final, ",p=").?;
        var salted: [32]u8 = undefined;
        try std.crypto.pwhash.pbkdf2(&salted, password, salt, iterations, HmacSha256);
        var client_key: [32]u8 = undefined;
        HmacSha256.create(&client_key, "Client Key", &salted);
        var stored_key: [32]u8 = undefined;
        Sha256.hash(&client_key, &stored_key, .{});
        var message_buffer: [1024]u8 = undefined;
        const message = try std.fmt.bufPrint(&message_buffer, "{s},{s},{s}", .{
            client_first["n,,".len..], server.first[0..server.first_length], client_final[0..proof_start],
        });
        var signature: [32]u8 = undefined;
        HmacSha256.create(&signature, message, &stored_key);
        var proof: [32]u8 = undefined;
        try base64.Decoder.decode(&proof, client_final[proof_start + 3 ..]);
        for (&proof, signature) |*byte, mask| byte.* ^= mask;
        if (!std.mem.eql(u8, &proof, &client_key)) return error.WrongProof;
        var server_key: [32]u8 = undefined;
        HmacSha256.create(&server_key, "Server Key", &salted);
        HmacSha256.create(&signature, message, &server_key);
        var encoded: [44]u8 = undefined;
        return std.fmt.bufPrint(buffer, "v={s}", .{base64.Encoder.encode(&encoded, &signature)});
    }
};

test "both sides prove that they know the password" {
    var cache: scram.KeyCache = .{};
    // The second exchange takes the keys from the cache.
    for (0..2) |_| {
        var exchange: scram.Exchange = .init();
        var server: Server = .{};
        const first = exchange.clientFirst();
        const final = try exchange.clientFinal(try server.answerFirst(&first), password, &cache);
        try std.testing.expect(std.mem.startsWith(u8, final.slice(), "c=biws,r="));
        var buffer: [64]u8 = undefined;
        const last = try server.answerFinal(&first, final.slice(), &buffer);
        try exchange.verify(last);
        buffer[5] ^= 1;
        if (exchange.verify(last)) |_| return error.TestUnexpectedResult else |_| {}
    }
}

test "a wrong password makes a wrong proof" {
    var cache: scram.KeyCache = .{};
    var exchange: scram.Exchange = .init();
    var server: Server = .{};
    const first = exchange.clientFirst();
    const final = try exchange.clientFinal(try server.answerFirst(&first), "pencils", &cache);
    var buffer: [64]u8 = undefined;
    try std.testing.expectError(error.WrongProof, server.answerFinal(&first, final.slice(), &buffer));
}

test "a server that doesn't keep the protocol is refused" {
    var cache: scram.KeyCache = .{};
    var exchange: scram.Exchange = .init();
    try std.testing.expectError(error.Malformed, exchange.verify("v=" ++ "A" ** 43 ++ "="));
    var buffer: [256]u8 = undefined;
    for ([_][]const u8{
        "",                  "r={s}x",                "r={s}x,s=MDEy",          "r={s},s=MDEy,i=1",                    "r=other,s=MDEy,i=1",
        "r={s}x,s=MDEy,i=0", "r={s}x,s=MDEy,i=-1",    "r={s}x,s=MDEy,i=100001", "r={s}x,s=,i=1",                       "r={s}x,s=MDE,i=1",
        "s=MDEy,r={s}x,i=1", "m=x,r={s}x,s=MDEy,i=1", "r={s}x,s=MDEy,i=x",      "r={s}x,s=" ++ "MDEy" ** 30 ++ ",i=1",
    }) |template| {
        const text = buffer[0 .. std.mem.replace(u8, template, "{s}", &exchange.nonce, &buffer) * (exchange.nonce.len - 3) + template.len];
        try std.testing.expectError(error.Malformed, exchange.clientFinal(text, password, &cache));
    }
}

test "fuzz: whatever a server sends is answered or refused" {
    var fuzz: fuzz_module.Fuzz = .init(7);
    var cache: scram.KeyCache = .{};
    var right_buffer: [128]u8 = undefined;
    var buffer: [512]u8 = undefined;
    for (0..fuzz_module.rounds) |_| {
        var exchange: scram.Exchange = .init();
        const right = try std.fmt.bufPrint(&right_buffer, "r={s}x,s=MDEyMw==,i=1", .{exchange.nonce});
        if (exchange.clientFinal(fuzz.mutate(right, &buffer), password, &cache)) |final| {
            try std.testing.expect(std.mem.startsWith(u8, final.slice(), "c=biws,r="));
        } else |failure| try std.testing.expectEqual(error.Malformed, failure);
        if (exchange.verify(fuzz.mutate("v=" ++ "A" ** 43 ++ "=", &buffer))) |_| return error.TestUnexpectedResult else |_| {}
    }
}

test "mechanisms that are offered" {
    try std.testing.expect(scram.isOffered("SCRAM-SHA-256-PLUS\x00SCRAM-SHA-256\x00\x00"));
    try std.testing.expect(!scram.isOffered("SCRAM-SHA-256-PLUS\x00\x00"));
    try std.testing.expect(!scram.isOffered(""));
}
