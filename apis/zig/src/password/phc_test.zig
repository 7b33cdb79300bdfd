const std = @import("std");
const hasher = @import("hasher.zig");
const phc = @import("phc.zig");

test "a hash is formatted and read back" {
    const salt = "0123456789abcdef";
    const key = "0123456789abcdef0123456789abcdef";
    const text = phc.format(salt, key);
    try std.testing.expectEqualStrings(
        "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY",
        &text,
    );
    const hash: phc.Hash = try .parse(&text);
    try std.testing.expectEqualStrings(salt, hash.salt());
    try std.testing.expectEqualStrings(key, hash.key());
    try std.testing.expectEqual(19456, hash.memory_kib);
    _ = try phc.Hash.parse(&hasher.decoy);
}

test "what is no argon2id hash, or a dangerous one, is refused" {
    const salt_and_key = "$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY";
    for ([_][]const u8{
        "",
        "$2b$10$abcdefghijklmnopqrstuv",
        "$argon2i$v=19$m=19456,t=2,p=1" ++ salt_and_key,
        "$argon2id$v=16$m=19456,t=2,p=1" ++ salt_and_key,
        "$argon2id$m=19456,t=2,p=1" ++ salt_and_key,
        "$argon2id$v=19$m=19456,t=2" ++ salt_and_key,
        "$argon2id$v=19$m=19456,t=2,p=1,x=1" ++ salt_and_key,
        "$argon2id$v=19$t=2,m=19456,p=1" ++ salt_and_key,
        "$argon2id$v=19$m=019456,t=2,p=1" ++ salt_and_key,
        "$argon2id$v=19$m=+19456,t=2,p=1" ++ salt_and_key,
        "$argon2id$v=19$m=2097152,t=2,p=1" ++ salt_and_key,
        "$argon2id$v=19$m=4294967296,t=2,p=1" ++ salt_and_key,
        "$argon2id$v=19$m=8,t=2,p=2" ++ salt_and_key,
        "$argon2id$v=19$m=19456,t=65,p=1" ++ salt_and_key,
        "$argon2id$v=19$m=19456,t=0,p=1" ++ salt_and_key,
        "$argon2id$v=19$m=19456,t=2,p=1" ++ salt_and_key ++ "$",
        "$argon2id$v=19$m=19456,t=2,p=1" ++ salt_and_key ++ "=",
        "$argon2id$v=19$m=19456,t=2,p=1$MDEy$MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY",
        "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg",
    }) |text| try std.testing.expectError(error.NotArgon2id, phc.Hash.parse(text));
}
