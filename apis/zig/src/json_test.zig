const std = @import("std");
const json = @import("json.zig");

test "any text is read again as it was, wherever an escape is needed" {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    for (0..0x80) |byte| {
        // Longer than what is looked at in one step.
        for (0..70) |position| {
            var text: [70]u8 = undefined;
            @memset(&text, 'x');
            text[position] = @intCast(byte);
            const written = try json.stringify(arena.allocator(), @as([]const u8, &text));
            const read = try std.json.parseFromSliceLeaky([]const u8, arena.allocator(), written, .{});
            try std.testing.expectEqualSlices(u8, &text, read);
            _ = arena.reset(.retain_capacity);
        }
    }
}
