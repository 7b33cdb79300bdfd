const std = @import("std");
const cache = @import("cache.zig");
const statements = @import("statements.zig");

test "a post is stored as every implementation reads it" {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    const post: statements.Post = .{
        .id = 5,
        .author = .{ .id = 7, .username = "alice" },
        .title = "\"t\"\n\u{e9}",
        .body = "b",
        .version = 2,
        .created_at = .{ .milliseconds = 1_769_860_800_000 },
        .updated_at = .{ .milliseconds = 1_769_860_800_007 },
    };
    const value = try cache.Entry.write(arena.allocator(), &post);
    try std.testing.expectEqualStrings("\"5-2\"\n" ++
        \\{"id":5,"author":{"id":7,"username":"alice"},"title":"\"t\"\né","body":"b","version":2,"created_at":"2026-01-31T12:00:00.000Z","updated_at":"2026-01-31T12:00:00.007Z"}
    , value);
    const entry = cache.Entry.parse(value).?;
    try std.testing.expectEqualStrings("\"5-2\"", entry.etag);
    try std.testing.expectEqualStrings(value[6..], entry.json);
    var buffer: [cache.Entry.max_fields]u8 = undefined;
    try std.testing.expectEqualStrings("ETag: \"5-2\"\r\nX-Cache: HIT\r\n", entry.fields(&buffer, "HIT"));
}

test "what isn't a post is a miss" {
    for ([_][]const u8{ "", "no newline", "\"5\r\n{}", "x" ** 200 ++ "\n{}" }) |value| {
        try std.testing.expectEqual(null, cache.Entry.parse(value));
    }
}

test "rows have the columns of their statements" {
    inline for (.{
        .{ statements.insert_user, statements.NewUser },   .{ statements.user_by_email, statements.Login },
        .{ statements.account_by_id, statements.Account }, .{ statements.user_by_id, statements.User },
        .{ statements.insert_post, statements.NewPost },   .{ statements.update_post, statements.UpdatedPost },
        .{ statements.insert_file, statements.NewFile },   .{ statements.file_by_id, statements.File },
    }) |pair| {
        const statement, const Row = pair;
        const returning = std.mem.indexOf(u8, statement.sql, "RETURNING ");
        const start = if (returning) |position| position + "RETURNING ".len else "SELECT ".len;
        const end = std.mem.indexOf(u8, statement.sql, " FROM") orelse statement.sql.len;
        var names = std.mem.splitSequence(u8, statement.sql[start..end], ", ");
        inline for (std.meta.fieldNames(Row)) |name| try std.testing.expectEqualStrings(name, names.next().?);
        try std.testing.expectEqual(null, names.next());
    }
}
