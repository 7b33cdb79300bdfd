const std = @import("std");
const fuzz_module = @import("../testing/fuzz.zig");
const SocketPair = @import("../testing/socket_pair.zig").SocketPair;
const Stream = @import("stream.zig").Stream;

const allocator = std.testing.allocator;
const usual_size = 16;

fn streamOf(pair: *const SocketPair) Stream {
    return .{ .usual_size = usual_size, .channel = .{ .fd = pair.near, .readable = true, .writable = true } };
}

test "what the socket doesn't take at once follows, in order, and its memory isn't kept" {
    var pair: SocketPair = try .init();
    defer pair.deinit();
    var stream = streamOf(&pair);
    defer stream.deinit(allocator);
    var expected: [1 << 20]u8 = undefined;
    var fuzz: fuzz_module.Fuzz = .init(12);
    fuzz.random().bytes(&expected);
    const first = expected.len - 1000;
    try stream.output.appendSlice(allocator, expected[0..first]);
    try stream.flush(allocator);
    try std.testing.expect(!stream.channel.writable);
    try std.testing.expect(stream.output_sent > 0 and stream.output_sent < first);
    // More may be said meanwhile.
    try stream.output.appendSlice(allocator, expected[first..]);

    const heard = try allocator.alloc(u8, expected.len);
    defer allocator.free(heard);
    var length: usize = 0;
    while (length < heard.len) {
        // Not before the loop has told that there is room.
        const sent = stream.output_sent;
        try stream.flush(allocator);
        try std.testing.expectEqual(sent, stream.output_sent);
        while (true) {
            length += (pair.hear(heard[length..]) catch |failure| switch (failure) {
                error.WouldBlock => break,
                else => return failure,
            }).len;
            if (length == heard.len) break;
        }
        stream.channel.writable = true;
        try stream.flush(allocator);
    }
    try std.testing.expectEqualSlices(u8, &expected, heard);
    try std.testing.expectEqual(0, stream.output.items.len);
    try std.testing.expectEqual(0, stream.output.capacity);
    try std.testing.expectEqual(0, stream.output_sent);
}

/// A message of the fuzz test: an byte for its length, itself included, and as
/// many bytes that count on.
fn announcedLength(bytes: []const u8) usize {
    return if (bytes.len == 0) 1 else @max(1, bytes[0]);
}

test "fuzz: messages arrive whole, however they are cut" {
    var fuzz: fuzz_module.Fuzz = .init(13);
    for (0..@max(1, fuzz_module.rounds / 10)) |_| {
        var pair: SocketPair = try .init();
        defer pair.deinit();
        var stream = streamOf(&pair);
        defer stream.deinit(allocator);

        var bytes: [4096]u8 = undefined;
        var count: usize = 0;
        var length: usize = 0;
        while (length < bytes.len - 255) : (count += 1) {
            const size = 1 + fuzz.below(if (fuzz.random().boolean()) usual_size else 255);
            for (bytes[length..][0..size], 0..) |*byte, index| byte.* = @truncate(count + index);
            bytes[length] = @intCast(size);
            length += size;
        }

        var sent: usize = 0;
        var found: usize = 0;
        var position: usize = 0;
        while (found < count) {
            const piece = @min(1 + fuzz.below(300), length - sent);
            try pair.say(bytes[sent..][0..piece]);
            sent += piece;
            stream.channel.notice(.{ .readable = true, .writable = false, .ended = false });
            while (try stream.receive(allocator, announcedLength(stream.received()))) {
                try std.testing.expect(stream.input.len <= @max(usual_size, 255));
                while (stream.received().len >= announcedLength(stream.received())) : (found += 1) {
                    const size = announcedLength(stream.received());
                    try std.testing.expectEqualSlices(u8, bytes[position..][0..size], stream.received()[0..size]);
                    stream.consume(size);
                    position += size;
                }
            }
        }
        try std.testing.expectEqual(length, position);
    }
}
