const std = @import("std");
const fuzz_module = @import("../fuzz.zig");
const SocketPair = @import("../socket_pair.zig").SocketPair;
const Stream = @import("stream.zig").Stream;

const allocator = std.testing.allocator;
const usual_size = 16;

fn streamOf(pair: *const SocketPair) Stream {
    return .{ .usual_size = usual_size, .channel = .{ .fd = pair.near, .readable = true, .writable = true } };
}

test "the beginning of a message moves to the front, and waits there for the rest" {
    var pair: SocketPair = try .init();
    defer pair.deinit();
    var stream = streamOf(&pair);
    defer stream.deinit(allocator);
    try pair.say("one, two, th");
    try std.testing.expect(try stream.receive(allocator, 0));
    stream.consume("one, two, ".len);
    try std.testing.expectEqualStrings("th", stream.received());
    try pair.say("ree, four, five");
    stream.channel.readable = true;
    // Fills the buffer, at whose front there is room again.
    try std.testing.expect(try stream.receive(allocator, 0));
    try std.testing.expectEqualStrings("three, four, fiv", stream.received());
    stream.consume(usual_size);
    try std.testing.expect(try stream.receive(allocator, 0));
    try std.testing.expectEqualStrings("e", stream.received());
    try std.testing.expect(!try stream.receive(allocator, 0));
    try std.testing.expectEqualStrings("e", stream.received());
}

test "the input grows to the length of a message, and shrinks behind it" {
    var pair: SocketPair = try .init();
    defer pair.deinit();
    var stream = streamOf(&pair);
    defer stream.deinit(allocator);
    const message = "0123456789abcdefghijklmnopqrstuvwxyz";
    try pair.say("x" ++ message ++ "y");
    try std.testing.expect(try stream.receive(allocator, 0));
    try std.testing.expectEqual(usual_size, stream.input.len);
    stream.consume(1);
    // Nothing of what follows the message is read with it.
    try std.testing.expect(try stream.receive(allocator, message.len));
    try std.testing.expectEqual(message.len, stream.input.len);
    try std.testing.expectEqualStrings(message, stream.received());
    stream.consume(message.len);
    try std.testing.expect(try stream.receive(allocator, 0));
    try std.testing.expectEqual(usual_size, stream.input.len);
    try std.testing.expectEqualStrings("y", stream.received());
}

test "a buffer of the right size is used again, be it by another connection" {
    var failing: std.testing.FailingAllocator = .init(allocator, .{});
    const counting = failing.allocator();
    var stream: Stream = .{ .usual_size = usual_size };
    defer stream.deinit(counting);
    for (0..3) |_| {
        var pair: SocketPair = try .init();
        defer pair.deinit();
        stream.channel = .{ .fd = pair.near, .readable = true };
        // Nothing of this may be left for the next one.
        try stream.output.appendSlice(allocator, "unsent");
        defer stream.close(allocator);
        try pair.say("abc");
        try std.testing.expect(try stream.receive(counting, 0));
        try std.testing.expectEqualStrings("abc", stream.received());
        stream.consume(1);
        try pair.say("def");
        stream.channel.readable = true;
        try std.testing.expect(try stream.receive(counting, 0));
        try std.testing.expectEqualStrings("bcdef", stream.received());
    }
    try std.testing.expectEqual(1, failing.allocations);
    try std.testing.expectEqual(0, stream.received().len);
    try std.testing.expectEqual(0, stream.output.items.len);
    try std.testing.expect(!stream.channel.isOpen());
}

test "memory is taken only for what there is, and where it is missing nothing is lost" {
    var pair: SocketPair = try .init();
    defer pair.deinit();
    var stream = streamOf(&pair);
    defer stream.deinit(allocator);
    stream.channel.readable = false;
    try std.testing.expect(!try stream.receive(std.testing.failing_allocator, 100));
    stream.channel.readable = true;
    try pair.say("abc");
    try std.testing.expectError(error.OutOfMemory, stream.receive(std.testing.failing_allocator, 0));
    try std.testing.expect(try stream.receive(allocator, 0));
    try pair.say("def");
    stream.channel.readable = true;
    try std.testing.expectError(error.OutOfMemory, stream.receive(std.testing.failing_allocator, 100));
    try std.testing.expectEqualStrings("abc", stream.received());
    try std.testing.expect(try stream.receive(allocator, 100));
    try std.testing.expectEqualStrings("abcdef", stream.received());
}

test "the end comes behind what was sent before it" {
    var pair: SocketPair = try .init();
    defer pair.deinit();
    var stream = streamOf(&pair);
    defer stream.deinit(allocator);
    try pair.say("abc");
    try pair.hangUp();
    stream.channel.notice(.{ .readable = true, .writable = false, .ended = true });
    try std.testing.expect(try stream.receive(allocator, 0));
    try std.testing.expectEqualStrings("abc", stream.received());
    try std.testing.expectError(error.Ended, stream.receive(allocator, 0));
    try std.testing.expectEqualStrings("abc", stream.received());
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

test "the output's memory is kept where it is no more than usual" {
    var pair: SocketPair = try .init();
    defer pair.deinit();
    var stream = streamOf(&pair);
    defer stream.deinit(allocator);
    for ([_][2]usize{ .{ usual_size, usual_size }, .{ usual_size + 1, 0 } }) |case| {
        try stream.output.ensureTotalCapacityPrecise(allocator, case[0]);
        stream.output.appendSliceAssumeCapacity("abc");
        try stream.flush(allocator);
        var buffer: [8]u8 = undefined;
        try std.testing.expectEqualStrings("abc", try pair.hear(&buffer));
        try std.testing.expectEqual(case[1], stream.output.capacity);
    }
}

test "who sends to nobody is told" {
    var pair: SocketPair = try .init();
    defer pair.deinit();
    var stream = streamOf(&pair);
    defer stream.deinit(allocator);
    pair.leave();
    try stream.output.appendSlice(allocator, "abc");
    try std.testing.expectError(error.Disconnected, stream.flush(allocator));
}

/// A message of the fuzz test: an octet for its length, itself included, and as
/// many octets that count on.
fn announcedLength(octets: []const u8) usize {
    return if (octets.len == 0) 1 else @max(1, octets[0]);
}

test "fuzz: messages arrive whole, however they are cut" {
    var fuzz: fuzz_module.Fuzz = .init(13);
    for (0..@max(1, fuzz_module.rounds / 10)) |_| {
        var pair: SocketPair = try .init();
        defer pair.deinit();
        var stream = streamOf(&pair);
        defer stream.deinit(allocator);

        var octets: [4096]u8 = undefined;
        var count: usize = 0;
        var length: usize = 0;
        while (length < octets.len - 255) : (count += 1) {
            const size = 1 + fuzz.below(if (fuzz.random().boolean()) usual_size else 255);
            for (octets[length..][0..size], 0..) |*octet, index| octet.* = @truncate(count + index);
            octets[length] = @intCast(size);
            length += size;
        }

        var sent: usize = 0;
        var found: usize = 0;
        var position: usize = 0;
        while (found < count) {
            const piece = @min(1 + fuzz.below(300), length - sent);
            try pair.say(octets[sent..][0..piece]);
            sent += piece;
            stream.channel.notice(.{ .readable = true, .writable = false, .ended = false });
            while (try stream.receive(allocator, announcedLength(stream.received()))) {
                try std.testing.expect(stream.input.len <= @max(usual_size, 255));
                while (stream.received().len >= announcedLength(stream.received())) : (found += 1) {
                    const size = announcedLength(stream.received());
                    try std.testing.expectEqualSlices(u8, octets[position..][0..size], stream.received()[0..size]);
                    stream.consume(size);
                    position += size;
                }
            }
        }
        try std.testing.expectEqual(length, position);
    }
}
