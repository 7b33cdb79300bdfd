//! The client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677), without channel
//! binding: the contract has no TLS.
//!
//! Passwords are taken as they are. SASLprep, which the RFC asks for, changes
//! nothing in one of ASCII.

const std = @import("std");

const HmacSha256 = std.crypto.auth.hmac.sha2.HmacSha256;
const Sha256 = std.crypto.hash.sha2.Sha256;
const base64 = std.base64.standard;

const Digest = [Sha256.digest_length]u8;

pub const mechanism = "SCRAM-SHA-256";

pub const Error = error{
    /// The server's message is not of the protocol.
    Malformed,
    /// The server doesn't know the password either.
    WrongServer,
};

/// Above, deriving the keys would hold up the loop for too long.
const max_iterations = 100_000;
const max_salt = 64;
const max_server_first = 512;

const nonce_bytes = 18;
const nonce_length = base64.Encoder.calcSize(nonce_bytes);
const client_first_bare = "n=,r=";
const channel_binding = "biws"; // "n,,"

/// The keys of a user. They depend on the salt alone, which is the same for each
/// connection, so that their costly derivation is done once (RFC 5802, section 5.1).
pub const Keys = struct {
    salt_buffer: [max_salt]u8 = undefined,
    salt_length: usize = 0,
    iterations: u32 = 0,
    client: Digest = undefined,
    server: Digest = undefined,

    fn isFor(keys: *const Keys, salt: []const u8, iterations: u32) bool {
        return keys.iterations == iterations and std.mem.eql(u8, keys.salt_buffer[0..keys.salt_length], salt);
    }

    fn derive(password: []const u8, salt: []const u8, iterations: u32) Keys {
        var keys: Keys = .{ .salt_length = salt.len, .iterations = iterations };
        @memcpy(keys.salt_buffer[0..salt.len], salt);
        var salted: Digest = undefined;
        std.crypto.pwhash.pbkdf2(&salted, password, salt, iterations, HmacSha256) catch unreachable; // one block of output
        HmacSha256.create(&keys.client, "Client Key", &salted);
        HmacSha256.create(&keys.server, "Server Key", &salted);
        return keys;
    }
};

/// The keys that were derived last, for all connections.
pub const KeyCache = struct {
    mutex: std.Thread.Mutex = .{},
    keys: Keys = .{},

    fn get(cache: *KeyCache, password: []const u8, salt: []const u8, iterations: u32) Keys {
        cache.mutex.lock();
        defer cache.mutex.unlock();
        if (!cache.keys.isFor(salt, iterations)) cache.keys = .derive(password, salt, iterations);
        return cache.keys;
    }
};

pub const Exchange = struct {
    nonce: [nonce_length]u8,
    server_signature: ?Digest = null,

    pub fn init() Exchange {
        var random: [nonce_bytes]u8 = undefined;
        std.crypto.random.bytes(&random);
        var exchange: Exchange = .{ .nonce = undefined };
        _ = base64.Encoder.encode(&exchange.nonce, &random);
        return exchange;
    }

    pub const first_length = "n,,".len + client_first_bare.len + nonce_length;

    /// The first message. PostgreSQL takes the user's name from the startup.
    pub fn clientFirst(exchange: *const Exchange) [first_length]u8 {
        return ("n,," ++ client_first_bare).* ++ exchange.nonce;
    }

    pub const Final = std.BoundedArray(u8, max_server_first + 128);

    /// Answers the server's first message with the proof.
    pub fn clientFinal(exchange: *Exchange, server_first: []const u8, password: []const u8, cache: *KeyCache) Error!Final {
        if (server_first.len > max_server_first) return error.Malformed;
        var attributes = std.mem.splitScalar(u8, server_first, ',');
        const nonce = try attribute(attributes.next(), "r=");
        const encoded_salt = try attribute(attributes.next(), "s=");
        const iterations = std.fmt.parseInt(u32, try attribute(attributes.next(), "i="), 10) catch return error.Malformed;
        if (iterations < 1 or iterations > max_iterations) return error.Malformed;
        if (nonce.len <= nonce_length or !std.mem.startsWith(u8, nonce, &exchange.nonce)) return error.Malformed;
        var salt_buffer: [max_salt]u8 = undefined;
        const salt_length = base64.Decoder.calcSizeForSlice(encoded_salt) catch return error.Malformed;
        if (salt_length == 0 or salt_length > max_salt) return error.Malformed;
        const salt = salt_buffer[0..salt_length];
        base64.Decoder.decode(salt, encoded_salt) catch return error.Malformed;

        const keys = cache.get(password, salt, iterations);
        var final: Final = .{};
        final.appendSliceAssumeCapacity("c=" ++ channel_binding ++ ",r=");
        final.appendSliceAssumeCapacity(nonce);
        const signature = exchange.sign(&keys, server_first, final.slice());
        var proof: Digest = undefined;
        for (&proof, keys.client, signature) |*byte, key, mask| byte.* = key ^ mask;
        final.appendSliceAssumeCapacity(",p=");
        _ = base64.Encoder.encode(final.addManyAsSlice(base64.Encoder.calcSize(proof.len)) catch unreachable, &proof);
        return final;
    }

    /// Computes both signatures, keeps the server's and returns the client's.
    fn sign(exchange: *Exchange, keys: *const Keys, server_first: []const u8, final_without_proof: []const u8) Digest {
        var stored_key: Digest = undefined;
        Sha256.hash(&keys.client, &stored_key, .{});
        var signatures: [2]Digest = undefined;
        for (&signatures, [_]*const Digest{ &stored_key, &keys.server }) |*signature, key| {
            var hmac: HmacSha256 = .init(key);
            for ([_][]const u8{ client_first_bare, &exchange.nonce, ",", server_first, ",", final_without_proof }) |piece| hmac.update(piece);
            hmac.final(signature);
        }
        exchange.server_signature = signatures[1];
        return signatures[0];
    }

    /// Verifies the server's last message.
    pub fn verify(exchange: *const Exchange, server_final: []const u8) Error!void {
        const expected = exchange.server_signature orelse return error.Malformed;
        var attributes = std.mem.splitScalar(u8, server_final, ',');
        const encoded = try attribute(attributes.next(), "v=");
        var signature: Digest = undefined;
        if ((base64.Decoder.calcSizeForSlice(encoded) catch 0) != signature.len) return error.Malformed;
        base64.Decoder.decode(&signature, encoded) catch return error.Malformed;
        if (!std.crypto.timing_safe.eql(Digest, signature, expected)) return error.WrongServer;
    }
};

fn attribute(field: ?[]const u8, name: []const u8) Error![]const u8 {
    const text = field orelse return error.Malformed;
    if (!std.mem.startsWith(u8, text, name)) return error.Malformed;
    return text[name.len..];
}

/// Whether the list of mechanisms that a server offers has this one.
pub fn isOffered(list: []const u8) bool {
    var names = std.mem.splitScalar(u8, list, 0);
    while (names.next()) |name| {
        if (std.mem.eql(u8, name, mechanism)) return true;
    }
    return false;
}
