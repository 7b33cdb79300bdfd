//! Uploads through a server on loopback, with a PostgreSQL that says what a test wants.

const std = @import("std");
const posix = std.posix;
const Api = @import("api.zig").Api;
const FakeServer = @import("../testing/fake_server.zig").FakeServer;
const Host = @import("../event/dialer.zig").Host;
const http = @import("../http/server.zig");
const loop_module = @import("../event/loop.zig");
const postgres = @import("../postgres/pool.zig");
const protocol = @import("../postgres/connection_test.zig");
const token = @import("token.zig");

const allocator = std.testing.allocator;

const Fixture = struct {
    loops: []loop_module.Loop,
    uploads: std.testing.TmpDir,
    database: FakeServer,
    host: Host,
    pool: postgres.Pool,
    tokens: token.Authority,
    api: Api,
    servers: [1]http.Server,
    listener: http.Listener,
    address: std.net.Address,

    fn init(fixture: *Fixture) !void {
        std.testing.log_level = .err;
        fixture.loops = try allocator.alloc(loop_module.Loop, 1);
        const loop = &fixture.loops[0];
        try loop.init(0);
        fixture.uploads = std.testing.tmpDir(.{ .iterate = true });
        fixture.database = try .init();
        try fixture.host.init("127.0.0.1", fixture.database.address().getPort());
        try fixture.pool.init(allocator, .{ .host = &fixture.host, .user = "user", .password = "", .database = "database" }, 1, fixture.loops);
        fixture.tokens = .init("0123456789abcdef0123456789abcdef");
        fixture.api = .{
            .memory = allocator,
            .loop = loop,
            .postgres = &fixture.pool.clients[0],
            .redis = undefined,
            .hasher = undefined,
            .tokens = &fixture.tokens,
            .uploads = .{ .dir = fixture.uploads.dir },
        };
        fixture.servers = .{.{ .loop = loop, .allocator = allocator, .handler = fixture.api.handler() }};
        const fd = try http.listen(std.net.Address.initIp4(.{ 127, 0, 0, 1 }, 0));
        fixture.listener = .{ .loop = loop, .servers = &fixture.servers, .fd = fd };
        var length: posix.socklen_t = @sizeOf(std.net.Address);
        try posix.getsockname(fd, &fixture.address.any, &length);
        try fixture.listener.start();
    }

    fn deinit(fixture: *Fixture) void {
        fixture.listener.stop();
        while (fixture.servers[0].load.raw != 0 or fixture.listener.fd != null) fixture.loops[0].turn();
        fixture.pool.deinit();
        fixture.api.text.deinit(allocator);
        fixture.database.deinit();
        fixture.uploads.cleanup();
        fixture.loops[0].deinit();
        allocator.free(fixture.loops);
    }

    /// Uploads a body; returns the status.
    fn upload(fixture: *Fixture, body: []const u8) !u16 {
        var arena: std.heap.ArenaAllocator = .init(allocator);
        defer arena.deinit();
        const credentials = try fixture.tokens.issue(arena.allocator(), .{ .id = 7, .name = "alice" }, std.time.timestamp());
        const client = try std.net.tcpConnectToAddress(fixture.address);
        defer client.close();
        const head = "POST /api/files HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {s}\r\n" ++
            "Content-Type: multipart/form-data; boundary=BB\r\nContent-Length: {d}\r\n\r\n";
        const sending = try std.Thread.spawn(.{}, std.net.Stream.writeAll, .{
            client, try std.fmt.allocPrint(arena.allocator(), head ++ "{s}", .{ credentials, body.len, body }),
        });
        defer sending.join();
        var answered: std.ArrayListUnmanaged(u8) = .empty;
        while (true) {
            var ready = [1]posix.pollfd{.{ .fd = client.handle, .events = posix.POLL.IN, .revents = 0 }};
            if (try posix.poll(&ready, 0) == 0) {
                fixture.loops[0].turn();
                continue;
            }
            var buffer: [4096]u8 = undefined;
            const length = try client.read(&buffer);
            if (length == 0) return std.fmt.parseInt(u16, answered.items["HTTP/1.1 ".len..][0..3], 10);
            try answered.appendSlice(arena.allocator(), buffer[0..length]);
        }
    }

    fn countFiles(fixture: *Fixture) !usize {
        var count: usize = 0;
        var entries = fixture.uploads.dir.iterate();
        while (try entries.next()) |_| count += 1;
        return count;
    }
};

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
        var fixture: Fixture = undefined;
        try fixture.init();
        defer fixture.deinit();
        const database = try fixture.database.serveOnce(&.{ protocol.greeting, case[0] }, 10_000);
        try std.testing.expectEqual(case[1], try fixture.upload(start ++ png ++ end));
        try std.testing.expectEqual(case[2], try fixture.countFiles());
        protocol.endIdle(&fixture.pool);
        database.join();
    }
    var fixture: Fixture = undefined;
    try fixture.init();
    defer fixture.deinit();
    fixture.host.address = null; // the INSERT can't be sent
    try std.testing.expectEqual(503, try fixture.upload(start ++ png ++ end));
    try std.testing.expectEqual(0, try fixture.countFiles());
}

test "what isn't a file that is taken is refused, and nothing of it stays" {
    var fixture: Fixture = undefined;
    try fixture.init();
    defer fixture.deinit();
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
        try std.testing.expectEqual(case[1], try fixture.upload(case[0]));
        try std.testing.expectEqual(0, try fixture.countFiles());
    }
}
