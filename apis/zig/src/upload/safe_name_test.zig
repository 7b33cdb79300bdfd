const std = @import("std");
const safe_name = @import("safe_name.zig");

test "names are made safe" {
    var buffer: [safe_name.max_length]u8 = undefined;
    for ([_][2][]const u8{
        .{ "picture.png", "picture.png" },
        .{ "../../etc/passwd", "passwd" },
        .{ "C:\\temp\\a b.png", "a_b.png" },
        .{ "a\\b/c\\d.png", "d.png" },
        .{ ".htaccess", "htaccess" },
        .{ "...a..png", "a..png" },
        .{ "..", "file" },
        .{ "", "file" },
        .{ "a/", "file" },
        .{ "\u{e9}.png", "_.png" },
        .{ ".\u{e9}.png", "_.png" },
        .{ "Zo\u{eb} (1).jpg", "Zo_1_.jpg" },
        .{ "  a\t\tb  ", "_a_b_" },
        .{ "_ _", "___" },
        .{ "n" ** 200, "n" ** 100 },
        .{ "." ++ "n" ** 99 ++ ".png", "n" ** 99 ++ "." },
    }) |pair| try std.testing.expectEqualStrings(pair[1], safe_name.make(pair[0], &buffer));
}
