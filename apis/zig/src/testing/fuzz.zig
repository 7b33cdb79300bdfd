//! Random input for tests: mostly right, and broken somewhere.

const std = @import("std");

/// How often a fuzz test tries; `zig build test -Dfuzz-rounds=N` for more.
pub const rounds = @import("fuzz_options").rounds;

pub const Fuzz = struct {
    generator: std.Random.DefaultPrng,

    /// The same seed gives the same input.
    pub fn init(seed: u64) Fuzz {
        return .{ .generator = .init(seed) };
    }

    pub fn random(fuzz: *Fuzz) std.Random {
        return fuzz.generator.random();
    }

    pub fn below(fuzz: *Fuzz, bound: usize) usize {
        return fuzz.random().uintLessThan(usize, bound);
    }

    pub fn pick(fuzz: *Fuzz, choices: []const []const u8) []const u8 {
        return choices[fuzz.below(choices.len)];
    }

    /// Some pieces of the choices, one behind the other.
    pub fn join(fuzz: *Fuzz, choices: []const []const u8, buffer: []u8) []u8 {
        var length: usize = 0;
        for (0..fuzz.below(24)) |_| {
            const piece = fuzz.pick(choices);
            if (length + piece.len > buffer.len) break;
            @memcpy(buffer[length..][0..piece.len], piece);
            length += piece.len;
        }
        return buffer[0..length];
    }

    /// A copy of `original` with some octets changed, dropped, doubled or cut off.
    pub fn mutate(fuzz: *Fuzz, original: []const u8, buffer: []u8) []u8 {
        @memcpy(buffer[0..original.len], original);
        var length = original.len;
        for (0..fuzz.below(4)) |_| {
            if (length == 0) break;
            const position = fuzz.below(length);
            switch (fuzz.below(5)) {
                0 => buffer[position] = fuzz.random().int(u8),
                1 => buffer[position] ^= @as(u8, 1) << fuzz.random().int(u3),
                2 => {
                    std.mem.copyForwards(u8, buffer[position .. length - 1], buffer[position + 1 .. length]);
                    length -= 1;
                },
                3 => if (length < buffer.len) {
                    std.mem.copyBackwards(u8, buffer[position + 1 .. length + 1], buffer[position..length]);
                    length += 1;
                },
                else => length = position,
            }
        }
        return buffer[0..length];
    }
};
