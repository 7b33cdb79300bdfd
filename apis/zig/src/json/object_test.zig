const std = @import("std");
const fuzz_module = @import("../fuzz.zig");
const object = @import("object.zig");

fn read(text: []const u8, members: []object.Member, arena: *std.heap.ArenaAllocator) object.Error!void {
    return object.read(text, members, arena.allocator());
}

test "members are found, whatever is around them" {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    const text =
        \\ { "x": [1, -0.5e+3, {"a": 1, "a": 2}], "\u0074itle" : "\ud83d\ude00\/\n\u00e9" ,"":null,"body":null}
        \\
    ;
    var members = [_]object.Member{ .{ .name = "title" }, .{ .name = "body" }, .{ .name = "missing" } };
    try read(text, &members, &arena);
    try std.testing.expectEqualStrings("\u{1F600}/\n\u{e9}", try members[0].value.?.decode(arena.allocator()));
    try std.testing.expect(members[1].value.?.kind == .null);
    try std.testing.expectEqual(null, members[2].value);
}

test "what is no JSON object is refused" {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    for ([_][]const u8{
        "",                           " ",               "{",                 "{}x",                             "{}{}",                     "[]",
        "\"text\"",                   "null",            "1",                 "{\"a\":1,}",                      "{'a':1}",                  "{a:1}",
        "{\"a\":1 \"b\":2}",          "{\"a\":1}\x00",   "\xef\xbb\xbf{}",    "{\"a\":\"\n\"}",                  "{\"a\":\"\\x41\"}",        "{\"a\":\"\\u00g0\"}",
        "{\"a\":01}",                 "{\"a\":+1}",      "{\"a\":.5}",        "{\"a\":1.}",                      "{\"a\":1e}",               "{\"a\":-}",
        "{\"a\":nul}",                "{\"a\":True}",    "{\"a\":[1,]}",      "{\"a\":\"\xff\"}",                "{\"a\":\"\\ud800\"}",      "{\"a\":\"\\udc00\\ud800\"}",
        "{\"a\":\"\\ud800\\u0041\"}", "{\"\\ud800\":1}", "{\"a\":1,\"a\":1}", "{\"a\":1,\"b\":2,\"\\u0061\":3}", "{\"a\":\"\xed\xa0\x80\"}", "{\"a\":\"\\u12\"}",
    }) |text| {
        try std.testing.expectError(error.Malformed, read(text, &.{}, &arena));
    }
}

test "nesting has a limit" {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    try read("{\"a\":" ++ "[" ** 31 ++ "]" ** 31 ++ "}", &.{}, &arena);
    try std.testing.expectError(error.Malformed, read("{\"a\":" ++ "[" ** 32 ++ "]" ** 32 ++ "}", &.{}, &arena));
    try std.testing.expectError(error.Malformed, read("{\"a\":" ** 33 ++ "1" ++ "}" ** 33, &.{}, &arena));
}

test "fuzz: the same texts are taken as by the standard library, which is as strict but for duplicates and surrogates" {
    var fuzz: fuzz_module.Fuzz = .init(3);
    const pieces = [_][]const u8{
        "{", "}", "[", "]", ",", ":", "\"a\"", "\"b\"", "\"\\u0041\"", "\"\\n\"", "1", "-0.5e3", "0", "null", "true", "false", " ", "\n", "\"", "\\",
    };
    const right = "{\"title\":\"t\\u00e9\\ud83d\\ude00\",\"x\":[1,2.5,{\"y\":null}],\"z\":-1e9}";
    var buffer: [512]u8 = undefined;
    for (0..fuzz_module.rounds) |round| {
        var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
        defer arena.deinit();
        const text = if (round % 2 == 0) fuzz.mutate(right, &buffer) else fuzz.join(&pieces, &buffer);
        var members = [_]object.Member{ .{ .name = "title" }, .{ .name = "x" } };
        const seen = read(text, &members, &arena);
        const expected = std.json.parseFromSliceLeaky(std.json.Value, arena.allocator(), text, .{ .duplicate_field_behavior = .@"error" });
        if (seen) |_| {
            const value = (try expected).object;
            const title = members[0].value orelse continue;
            if (title.kind != .string) continue;
            try std.testing.expectEqualStrings(value.get("title").?.string, try title.decode(arena.allocator()));
        } else |_| {
            // It may also be no object, or only be well-formed for who takes any surrogate.
            const value = expected catch continue;
            const surrogate = std.mem.indexOf(u8, text, "\\u") != null;
            try std.testing.expect(value != .object or surrogate);
        }
    }
}
