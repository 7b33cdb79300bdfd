//! Uploads, with a PostgreSQL that says what a test wants.

const std = @import("std");
const ApiServer = @import("../testing/api_server.zig").ApiServer;
const protocol = @import("../postgres/connection_test.zig");

fn upload(server: *ApiServer, body: []const u8) !u16 {
    return server.ask("POST /api/files", "multipart/form-data; boundary=BB", body);
}

fn countFiles(server: *ApiServer) !usize {
    var count: usize = 0;
    var entries = server.uploads.dir.iterate();
    while (try entries.next()) |_| count += 1;
    return count;
}

const png = "\x89PNG\r\n\x1a\n and more";
const start = "--BB\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n";
const end = "\r\n--BB--\r\n";
const no_such_user = "E\x00\x00\x00\x19SERROR\x00C23503\x00nname\x00\x00" ++ "Z\x00\x00\x00\x05I";

test "a content stays unless it is certain that no row refers to it" {
    for ([_]struct { []const u8, u16, usize }{
        .{ protocol.result, 201, 1 },
        .{ no_such_user, 401, 0 },
        .{ "", 503, 1 }, // the answer is lost
    }) |case| {
        var server: ApiServer = undefined;
        try server.init();
        defer server.deinit();
        const postgres = try server.postgres.serveOnce(&.{ protocol.greeting, case[0] }, 10_000);
        try std.testing.expectEqual(case[1], try upload(&server, start ++ png ++ end));
        try std.testing.expectEqual(case[2], try countFiles(&server));
        protocol.endIdle(&server.pool);
        postgres.join();
    }
    var server: ApiServer = undefined;
    try server.init();
    defer server.deinit();
    server.postgres_host.address = null; // the INSERT can't be sent
    try std.testing.expectEqual(503, try upload(&server, start ++ png ++ end));
    try std.testing.expectEqual(0, try countFiles(&server));
}

test "what isn't a file that is taken is refused, and nothing of it stays" {
    var server: ApiServer = undefined;
    try server.init();
    defer server.deinit();
    const named = "--BB\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n";
    for ([_]struct { []const u8, u16 }{
        .{ "", 400 },
        .{ "--BB--\r\n", 400 },
        .{ start ++ png, 400 },
        .{ "--BB\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n" ++ png ++ end, 400 },
        .{ "--BB\r\nContent-Disposition: form-data; name=\"other\"; filename=\"a\"\r\n\r\n" ++ png ++ end, 400 },
        .{ start ++ "text" ++ end, 415 },
        .{ start ++ "more than twelve bytes" ++ end, 415 },
        .{ named ++ "Content-Type: image/gif\r\n\r\n" ++ png ++ end, 415 },
        .{ start ++ png ++ "x" ** (2 << 20) ++ end, 413 },
        .{ start ++ png ++ "x" ** (3 << 20) ++ end, 413 },
    }) |case| {
        try std.testing.expectEqual(case[1], try upload(&server, case[0]));
        try std.testing.expectEqual(0, try countFiles(&server));
    }
}
