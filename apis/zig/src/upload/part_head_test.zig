const std = @import("std");
const PartHead = @import("part_head.zig").PartHead;

test "of two headers the first is copied, and nothing else" {
    const lines = "X: " ++ "x" ** 1000 ++ "\r\n \t" ++ "x" ** 1000 ++ "\r\n" ++
        "content-disposition: form-data;\r\n\t name=file \r\n" ++
        "Content-Disposition: " ++ "x" ** 1000 ++ "\r\n" ++
        "Content-Type: image/png\r\n";
    var memory: [64]u8 = undefined;
    var fixed: std.heap.FixedBufferAllocator = .init(&memory);
    const head: PartHead = try .parse(lines, fixed.allocator());
    try std.testing.expectEqualStrings("form-data; name=file", head.disposition.?);
    try std.testing.expectEqualStrings("image/png", head.content_type.?);
}

test "what is not wanted must be a header all the same" {
    for ([_][]const u8{ "X\r\n", " X: x\r\n", "X\r\n : x\r\n", "X : x\r\n", ": x\r\n", "X: x\r\n\r\n" }) |lines| {
        try std.testing.expectError(error.Malformed, PartHead.parse(lines, std.testing.failing_allocator));
    }
}
