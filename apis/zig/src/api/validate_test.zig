const std = @import("std");
const fuzz_module = @import("../testing/fuzz.zig");
const validate = @import("validate.zig");

test "rules of members" {
    for ([_][]const u8{ "abc", "a_9", "x" ** 32 }) |username| try std.testing.expectEqual(null, validate.username(username));
    for ([_][]const u8{ "ab", "x" ** 33, "Abc", "a-b", "\u{e9}\u{e9}" }) |username| try std.testing.expect(validate.username(username) != null);
    for ([_][]const u8{ "a@b", "first.last+tag@example.test", "x" ** 252 ++ "@y" }) |email| try std.testing.expectEqual(null, validate.email(email));
    for ([_][]const u8{ "", "a@", "@b", "abc", "a@b@c", "a b@c", "\u{e9}@x", "a\x00b@c", "x" ** 253 ++ "@y" }) |email| {
        try std.testing.expect(validate.email(email) != null);
    }
    try std.testing.expectEqual(null, validate.password("\u{e9}" ** 4));
    for ([_][]const u8{ "1234567", "\u{e9}" ** 37, "1234567\x00" }) |password| try std.testing.expect(validate.password(password) != null);
    try std.testing.expectEqual(null, validate.title("\u{1F600}" ** 200));
    for ([_][]const u8{ "", "\u{1F600}" ** 201, "\x00" }) |title| try std.testing.expect(validate.title(title) != null);
    try std.testing.expectEqual(null, validate.body(" "));
    try std.testing.expect(validate.body("x" ** 20_001) != null);
}

const Input = struct {
    title: []const u8,
    body: []const u8,

    pub const rules = .{ .title = validate.title, .body = validate.body };
};

fn parse(arena: *std.heap.ArenaAllocator, text: []const u8, errors: *validate.Errors) !Input {
    return validate.parseJson(Input, arena.allocator(), text, errors);
}

test "members are found, whatever is around them" {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    var errors: validate.Errors = .{};
    const text =
        \\ { "x": [1, -0.5e+3, {"title": 1}], "\u0074itle" : "\ud83d\ude00\/\n\u00e9" ,"":null,"body":"b"}
    ;
    const input = try parse(&arena, text, &errors);
    try std.testing.expectEqualStrings("\u{1F600}/\n\u{e9}", input.title);
    try std.testing.expectEqualStrings("b", input.body);
    try std.testing.expectEqual(0, errors.len);
    _ = try parse(&arena, "{\"x\":" ++ "[" ** 20_000 ++ "]" ** 20_000 ++ ",\"title\":\"t\",\"body\":\"b\"}", &errors);
}

test "each member that is missing, null or wrong is reported" {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    for ([_]struct { []const u8, []const []const u8 }{
        .{ "{}", &.{ "title", "body" } },
        .{ "{\"title\":null,\"body\":\"\"}", &.{ "title", "body" } },
        .{ "{\"title\":\"t\",\"body\":\"\\u0000\"}", &.{"body"} },
    }) |case| {
        var errors: validate.Errors = .{};
        _ = try parse(&arena, case[0], &errors);
        try std.testing.expectEqual(case[1].len, errors.len);
        for (case[1], errors.constSlice()) |name, failure| try std.testing.expectEqualStrings(name, failure.field);
    }
}

test "what isn't a JSON object of strings is refused" {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    for ([_][]const u8{
        "",                 "{",           "[]",                   "\"text\"",         "null",                "{\"a\":1,}",
        "{'a':1}",          "{\"a\" 1}",   "{\"title\":\"\n\"}",   "{\"title\":1}",    "{\"title\":[\"t\"]}", "{\"title\":[116]}",
        "{\"title\":{}}",   "{\"x\":nul}", "{\"title\":\"\xff\"}", "{\"x\":\"\xff\"}", "{\"title\":true}",    "{\"title\":\"\\ud800\"}",
        "{\"title\":\"t\"",
    }) |text| {
        var errors: validate.Errors = .{};
        try std.testing.expectError(error.InvalidJson, parse(&arena, text, &errors));
    }
}

test "fuzz: a body is taken or refused, and what is taken is UTF-8" {
    var fuzz: fuzz_module.Fuzz = .init(3);
    const right = "{\"title\":\"t\\u00e9\\ud83d\\ude00\",\"x\":[1,2.5,{\"y\":null}],\"body\":\"\u{e9}\"}";
    var buffer: [512]u8 = undefined;
    for (0..fuzz_module.rounds) |_| {
        var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
        defer arena.deinit();
        var errors: validate.Errors = .{};
        const input = parse(&arena, fuzz.mutate(right, &buffer), &errors) catch continue;
        try std.testing.expect(std.unicode.utf8ValidateSlice(input.title) and std.unicode.utf8ValidateSlice(input.body));
    }
}

test "queries of lists" {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    for ([_]struct { []const u8, u8, ?i64 }{
        .{ "", 20, null },
        .{ "limit=1&before=50&x=1", 1, 50 },
        .{ "&&limit=100&&", 100, null },
        .{ "LIMIT=0&=5&%zz=%", 20, null },
        .{ "l%69mit=%35&before=%31%30", 5, 10 },
    }) |case| {
        var errors: validate.Errors = .{};
        const page: validate.Page = try .parse(arena.allocator(), case[0], &errors);
        try std.testing.expectEqual(0, errors.len);
        try std.testing.expectEqual(case[1], page.limit);
        try std.testing.expectEqual(case[2], page.before);
    }
    for ([_]struct { []const u8, usize }{
        .{ "limit=0", 1 },    .{ "limit=101", 1 }, .{ "limit=-1", 1 },    .{ "before&limit=", 2 }, .{ "before=9223372036854775808", 1 },
        .{ "limit=%2b5", 1 }, .{ "limit=%3", 1 },  .{ "before=%001", 1 }, .{ "before=0", 1 },      .{ "before=-1", 1 },
    }) |case| {
        var errors: validate.Errors = .{};
        _ = try validate.Page.parse(arena.allocator(), case[0], &errors);
        try std.testing.expectEqual(case[1], errors.len);
    }
}
