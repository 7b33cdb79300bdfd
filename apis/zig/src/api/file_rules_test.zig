const std = @import("std");
const file_rules = @import("file_rules.zig");

test "names are made safe" {
    var buffer: [file_rules.max_name]u8 = undefined;
    for ([_][2][]const u8{
        .{ "picture.png", "picture.png" },
        .{ "../../etc/passwd", "passwd" },
        .{ "C:\\temp\\a b.png", "a_b.png" },
        .{ ".htaccess", "htaccess" },
        .{ "..", "file" },
        .{ "a/", "file" },
        .{ "\u{e9}.png", "__.png" },
        .{ "\"\r\nX: y", "___X__y" },
        .{ "n" ** 200, "n" ** 100 },
    }) |pair| try std.testing.expectEqualStrings(pair[1], file_rules.safeName(pair[0], &buffer));
}

test "types are detected by the first bytes" {
    try std.testing.expectEqualStrings("image/png", file_rules.detectType("\x89PNG\r\n\x1a\n").?);
    try std.testing.expectEqualStrings("image/jpeg", file_rules.detectType("\xff\xd8\xff").?);
    try std.testing.expectEqualStrings("image/webp", file_rules.detectType("RIFFxxxxWEBP").?);
    try std.testing.expectEqualStrings("application/pdf", file_rules.detectType("%PDF-1.7 xxx").?);
    for ([_][]const u8{ "", "\x89PN", "RIFFxxxxWEB", "GIF89a", " %PDF-" }) |prefix| try std.testing.expectEqual(null, file_rules.detectType(prefix));
}
