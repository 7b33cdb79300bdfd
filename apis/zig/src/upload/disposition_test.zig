const std = @import("std");
const disposition = @import("disposition.zig");
const fuzz_module = @import("../fuzz.zig");

fn expectDisposition(value: []const u8, name: ?[]const u8, filename: ?[]const u8) !void {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    const parsed: disposition.Disposition = try .parse(value, arena.allocator());
    try std.testing.expectEqualDeep(name, parsed.name);
    try std.testing.expectEqualDeep(filename, parsed.filename);
}

test "a disposition in all its forms" {
    try expectDisposition("form-data", null, null);
    try expectDisposition("FORM-DATA ;\tNAME=file ; FileName=\"a b.png\" \t", "file", "a b.png");
    try expectDisposition("form-data; name=\"a\"; name=\"b\"; x-y=z; filename=", "a", "");
    try expectDisposition("form-data; filename=\"a\\\"b\\\\c\\x;=.png\"; name=file", "file", "a\"b\\cx;=.png");
    try expectDisposition("form-data; name=\"file\"; filename*=UTF-8''a.png", "file", null);
    try expectDisposition("form-data; name=a\"b; filename=\xc3\xa9", "a\"b", "\xc3\xa9");
}

test "what is none is refused" {
    for ([_][]const u8{
        "",                       "attachment; name=file",       "form-data name=file",      "form-data; name",       "form-data; =file",
        "form-data; name=\"file", "form-data; name=\"file\\",    "form-data;",               "form-data;; name=file", "form-data; name =file",
        "form-data; name=a b=c",  "form-data; name=\"a\"b; x=y", "form-data; \"name\"=file", "form-data; name=a;",
    }) |value| {
        var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
        defer arena.deinit();
        try std.testing.expectError(error.Malformed, disposition.Disposition.parse(value, arena.allocator()));
    }
}

test "the boundary of a request" {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    for ([_][2][]const u8{
        .{ "multipart/form-data; boundary=abc", "abc" },
        .{ "multipart/form-data ;charset=utf-8; BOUNDARY=\"a b;c\\\"\"; x=\"\"", "a b;c\"" },
        .{ "multipart/form-data; boundary=" ++ "b" ** 70 ++ ";", "b" ** 70 },
        .{ "multipart/form-data;; boundary=abc ; ", "abc" },
    }) |pair| try std.testing.expectEqualStrings(pair[1], try disposition.boundaryOf(pair[0], arena.allocator()));
    for ([_][]const u8{
        "multipart/form-data",                "multipart/form-data; boundary=",              "multipart/form-data; boundary=\"\"",
        "multipart/form-data; boundary=a/b",  "multipart/form-data; boundary=a; boundary=a", "multipart/form-data; boundary=" ++ "b" ** 71,
        "multipart/form-data; boundary=\"ab", "multipart/form-data; x y; boundary=a",        "multipart/form-data; boundaries=a",
    }) |value| try std.testing.expectError(error.Malformed, disposition.boundaryOf(value, arena.allocator()));
}

test "parameters take no more memory than they were sent in" {
    const many = "form-data" ++ ";a=\"b\\\"\"" ** 100 ++ "; name=file";
    var memory: [many.len]u8 = undefined;
    var fixed: std.heap.FixedBufferAllocator = .init(&memory);
    const parsed: disposition.Disposition = try .parse(many, fixed.allocator());
    try std.testing.expectEqualStrings("file", parsed.name.?);
}

test "a head full of semicolons needs no more of a loop's stack than one has" {
    var outcome: disposition.Error![]const u8 = "";
    const thread = try std.Thread.spawn(.{ .stack_size = 1 << 20 }, readBehindSemicolons, .{&outcome});
    thread.join();
    try std.testing.expectEqualStrings("abc", try outcome);
}

fn readBehindSemicolons(outcome: *disposition.Error![]const u8) void {
    outcome.* = disposition.boundaryOf("multipart/form-data" ++ ";" ** 20_000 ++ "boundary=abc", std.testing.failing_allocator);
}

test "fuzz: whatever is sent is parsed or refused" {
    var fuzz: fuzz_module.Fuzz = .init(4);
    const pieces = [_][]const u8{ "form-data", ";", "=", "\"", "\\", " ", "\t", "name", "filename", "boundary", "a", "\xff", "*" };
    var buffer: [256]u8 = undefined;
    for (0..fuzz_module.rounds) |round| {
        var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
        defer arena.deinit();
        const text = if (round % 2 == 0)
            fuzz.mutate("form-data; name=\"file\"; filename=\"a\\\"b.png\"", &buffer)
        else
            fuzz.join(&pieces, &buffer);
        if (disposition.Disposition.parse(text, arena.allocator())) |parsed| {
            if (parsed.filename) |filename| try std.testing.expect(filename.len < text.len);
        } else |failure| try std.testing.expectEqual(error.Malformed, failure);
        if (disposition.boundaryOf(text, arena.allocator())) |boundary| {
            try std.testing.expect(boundary.len >= 1 and boundary.len <= 70);
        } else |failure| try std.testing.expectEqual(error.Malformed, failure);
    }
}
