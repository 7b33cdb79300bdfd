const std = @import("std");
const directory_module = @import("directory.zig");
const fuzz_module = @import("../fuzz.zig");
const receiver_module = @import("receiver.zig");

const png = "\x89PNG\r\n\x1a\n" ++ "\r\n--" ++ "content\r\n-" ++ "\r\n--B" ++ "\r\n--BBX" ++ "\r";
const file_part = "Content-Disposition: form-data; name=\"file\"; filename=\"a b.png\"\r\nContent-Type: image/png\r\n\r\n";

fn multipart(comptime parts: []const []const u8) []const u8 {
    comptime var body: []const u8 = "";
    inline for (parts) |part| body = body ++ "--BB\r\n" ++ part ++ "\r\n";
    return body ++ "--BB--\r\n";
}

const Outcome = struct {
    result: receiver_module.Error!receiver_module.File,
    content: []const u8,
};

const Fixture = struct {
    temporary: std.testing.TmpDir,
    arena: std.heap.ArenaAllocator,

    fn init() Fixture {
        return .{ .temporary = std.testing.tmpDir(.{ .iterate = true }), .arena = .init(std.testing.allocator) };
    }

    fn deinit(fixture: *Fixture) void {
        fixture.temporary.cleanup();
        fixture.arena.deinit();
    }

    fn receive(fixture: *Fixture, body: []const u8, piece: usize) !Outcome {
        const directory: directory_module.Directory = .{ .dir = fixture.temporary.dir };
        const receiver = try fixture.arena.allocator().create(receiver_module.Receiver);
        receiver.* = .init(directory, "BB", fixture.arena.allocator());
        const result = feed(receiver, body, piece);
        const file = result catch {
            receiver.discard();
            try std.testing.expectEqual(0, try fixture.fileCount());
            return .{ .result = result, .content = "" };
        };
        const content = try fixture.temporary.dir.readFileAlloc(fixture.arena.allocator(), &file.storage_name, 4 << 20);
        try directory.remove(&file.storage_name);
        return .{ .result = result, .content = content };
    }

    fn fileCount(fixture: *Fixture) !usize {
        var count: usize = 0;
        var entries = fixture.temporary.dir.iterate();
        while (try entries.next()) |_| count += 1;
        return count;
    }
};

fn feed(receiver: *receiver_module.Receiver, body: []const u8, piece: usize) receiver_module.Error!receiver_module.File {
    var position: usize = 0;
    while (position < body.len) {
        const end = @min(position + piece, body.len);
        if (try receiver.feed(body[position..end])) break;
        position = end;
    }
    return receiver.finish();
}

test "one file is found among other parts, however the body is cut" {
    var fixture: Fixture = .init();
    defer fixture.deinit();
    const body = "preamble\r\n--BBX\r\n" ++ comptime multipart(&.{
        "Content-Disposition: form-data; name=\"note\"\r\n\r\ntext",
        file_part ++ png,
        "content-disposition: form-data;\r\n  name=\"picture\"; filename=\"x\"\r\n\r\n",
    }) ++ "epilogue --BB";
    for (1..body.len + 1) |piece| {
        const outcome = try fixture.receive(body, piece);
        const file = try outcome.result;
        try std.testing.expectEqualStrings("a_b.png", file.name);
        try std.testing.expectEqualStrings("image/png", file.content_type);
        try std.testing.expectEqualStrings(png, outcome.content);
        try std.testing.expectEqual(png.len, file.size);
        var digest: [32]u8 = undefined;
        std.crypto.hash.sha2.Sha256.hash(png, &digest, .{});
        try std.testing.expectEqualStrings(&std.fmt.bytesToHex(digest, .lower), &file.sha256);
    }
}

test "the first breach decides" {
    var fixture: Fixture = .init();
    defer fixture.deinit();
    const named = "Content-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n";
    const cases = [_]struct { []const u8, receiver_module.Error }{
        .{ "", error.Malformed },
        .{ "not multipart", error.Malformed },
        .{ "--BB--\r\n", error.Malformed },
        .{ "--BB\r\n" ++ file_part ++ png, error.Malformed },
        .{ "--BB\r\n" ++ file_part ++ png ++ "\r\n--BB", error.Malformed },
        .{ "--BB\r\n" ++ file_part ++ png ++ "\r\n--BB-- x\r\n", error.Malformed },
        .{ "--BB x\r\n" ++ file_part ++ png ++ "\r\n--BB--\r\n", error.Malformed },
        .{ comptime multipart(&.{"\r\n" ++ png}), error.Malformed },
        .{ comptime multipart(&.{"Content-Type: image/png\r\n\r\n" ++ png}), error.Malformed },
        .{ comptime multipart(&.{"Content-Disposition form-data\r\n\r\n" ++ png}), error.Malformed },
        .{ comptime multipart(&.{named ++ "X: " ++ "x" ** 5000 ++ "\r\n\r\n" ++ png}), error.Malformed },
        .{ comptime multipart(&.{"Content-Disposition: form-data; name=file\r\n\r\n" ++ png}), error.Malformed },
        .{ comptime multipart(&.{"Content-Disposition: form-data; name=file; filename=\r\n\r\n" ++ png}), error.Malformed },
        .{ comptime multipart(&.{ file_part ++ png, file_part ++ "text" }), error.Malformed },
        .{ comptime multipart(&.{ file_part ++ "text", file_part ++ png }), error.BadType },
        .{ comptime multipart(&.{named ++ "\r\n"}), error.BadType },
        .{ comptime multipart(&.{named ++ "Content-Type:\r\n\r\n" ++ png}), error.BadType },
        .{ comptime multipart(&.{named ++ "Content-Type: image/gif\r\n\r\n" ++ png}), error.BadType },
        .{ "--BB\r\n" ++ named ++ "\r\nmore than twelve octets", error.BadType },
        .{ "--BB\r\n" ++ named ++ "\r\nfew", error.Malformed },
    };
    for (cases) |case| {
        for ([_]usize{ 1, 7, 1 << 20 }) |piece| {
            const outcome = try fixture.receive(case[0], piece);
            try std.testing.expectError(case[1], outcome.result);
        }
    }
}

test "a closing delimiter needs no line end, and blanks may follow delimiters" {
    var fixture: Fixture = .init();
    defer fixture.deinit();
    for ([_][]const u8{ "--BB \t\r\n" ++ file_part ++ png ++ "\r\n--BB--", "--BB\r\n" ++ file_part ++ png ++ "\r\n--BB-- \t\r\n" }) |body| {
        const outcome = try fixture.receive(body, 5);
        _ = try outcome.result;
        try std.testing.expectEqualStrings(png, outcome.content);
    }
}

test "sizes have limits, which are reached and not passed" {
    var fixture: Fixture = .init();
    defer fixture.deinit();
    const allocator = fixture.arena.allocator();
    const large = try allocator.alloc(u8, receiver_module.max_file + 1);
    @memset(large, 0);
    @memcpy(large[0..png.len], png);
    const end = "\r\n--BB--\r\n";
    const start = "--BB\r\n" ++ file_part;
    const largest = try std.mem.concat(allocator, u8, &.{ start, large[0..receiver_module.max_file], end });
    const outcome = try fixture.receive(largest, 65_536);
    try std.testing.expectEqual(receiver_module.max_file, (try outcome.result).size);
    const too_large = try std.mem.concat(allocator, u8, &.{ start, large });
    try std.testing.expectError(error.TooLarge, (try fixture.receive(too_large, 65_536)).result);
    const skipped = "--BB\r\nContent-Disposition: form-data; name=other\r\n\r\n";
    const long_body = try std.mem.concat(allocator, u8, &.{ skipped, large, large[0 .. 64 << 10] });
    try std.testing.expectError(error.TooLarge, (try fixture.receive(long_body, 65_536)).result);
}

test "fuzz: the way in which an upload is cut changes nothing, and nothing is left behind" {
    var fixture: Fixture = .init();
    defer fixture.deinit();
    var fuzz: fuzz_module.Fuzz = .init(5);
    const pieces = [_][]const u8{
        "--BB", "\r\n", "--", "\r", "\n", "BB", "--BB--", "Content-Disposition: form-data; name=file; filename=a\r\n\r\n", png, " ", "x",
    };
    const right = comptime multipart(&.{ "Content-Disposition: form-data; name=x\r\n\r\ny", file_part ++ png });
    var buffer: [2048]u8 = undefined;
    for (0..fuzz_module.rounds) |round| {
        const body = if (round % 2 == 0) fuzz.mutate(right, &buffer) else fuzz.join(&pieces, &buffer);
        const whole = try fixture.receive(body, body.len + 1);
        const cut = try fixture.receive(body, 1 + fuzz.below(9));
        try std.testing.expectEqualStrings(whole.content, cut.content);
        if (whole.result) |file| {
            try std.testing.expectEqualStrings(file.name, (try cut.result).name);
        } else |failure| try std.testing.expectError(failure, cut.result);
        _ = fixture.arena.reset(.retain_capacity);
    }
}
