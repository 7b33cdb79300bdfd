//! The API on loopback, with a PostgreSQL and a Redis that say what a test wants.

const std = @import("std");
const posix = std.posix;
const Api = @import("../api/api.zig").Api;
const FakeServer = @import("fake_server.zig").FakeServer;
const Host = @import("../event/dialer.zig").Host;
const http = @import("../http/server.zig");
const loop_module = @import("../event/loop.zig");
const postgres = @import("../postgres/pool.zig");
const redis = @import("../redis/client.zig");
const token = @import("../api/token.zig");

const allocator = std.testing.allocator;

pub const ApiServer = struct {
    loops: []loop_module.Loop,
    uploads: std.testing.TmpDir,
    postgres: FakeServer,
    postgres_host: Host,
    pool: postgres.Pool,
    redis: FakeServer,
    redis_host: Host,
    redis_settings: redis.Settings,
    redis_client: redis.Client,
    tokens: token.Authority,
    api: Api,
    servers: [1]http.Server,
    listener: http.Listener,
    address: std.net.Address,

    pub fn init(server: *ApiServer) !void {
        std.testing.log_level = .err;
        server.loops = try allocator.alloc(loop_module.Loop, 1);
        const loop = &server.loops[0];
        try loop.init(0);
        server.uploads = std.testing.tmpDir(.{ .iterate = true });
        server.postgres = try .init();
        try server.postgres_host.init("127.0.0.1", server.postgres.address().getPort());
        try server.pool.init(allocator, .{ .host = &server.postgres_host, .user = "user", .password = "", .database = "database" }, 1, server.loops);
        server.redis = try .init();
        try server.redis_host.init("127.0.0.1", server.redis.address().getPort());
        // A busy machine may take long to run both sides.
        server.redis_settings = .{ .host = &server.redis_host, .user = "", .password = "", .database = 0, .limit = .s_60 };
        server.redis_client = .init(loop, &server.redis_settings, allocator);
        server.tokens = .init("0123456789abcdef0123456789abcdef");
        server.api = .{
            .memory = allocator,
            .loop = loop,
            .postgres = &server.pool.clients[0],
            .redis = &server.redis_client,
            .hasher = undefined,
            .tokens = &server.tokens,
            .uploads = .{ .dir = server.uploads.dir },
        };
        server.servers = .{.{ .loop = loop, .allocator = allocator, .handler = server.api.handler() }};
        const fd = try http.listen(std.net.Address.initIp4(.{ 127, 0, 0, 1 }, 0));
        server.listener = .{ .loop = loop, .servers = &server.servers, .fd = fd };
        var length: posix.socklen_t = @sizeOf(std.net.Address);
        try posix.getsockname(fd, &server.address.any, &length);
        try server.listener.start();
    }

    pub fn deinit(server: *ApiServer) void {
        server.listener.stop();
        while (server.servers[0].load.raw != 0 or server.listener.fd != null) server.loops[0].turn();
        server.pool.deinit();
        server.redis_client.deinit();
        server.api.text.deinit(allocator);
        server.postgres.deinit();
        server.redis.deinit();
        server.uploads.cleanup();
        server.loops[0].deinit();
        allocator.free(server.loops);
    }

    /// Sends a request of the user with id 7 (`POST /api/files`, say), and returns the
    /// status of its answer.
    pub fn ask(server: *ApiServer, request: []const u8, content_type: []const u8, body: []const u8) !u16 {
        var arena: std.heap.ArenaAllocator = .init(allocator);
        defer arena.deinit();
        const credentials = try server.tokens.issue(arena.allocator(), .{ .id = 7, .name = "alice" }, std.time.timestamp());
        const client = try std.net.tcpConnectToAddress(server.address);
        defer client.close();
        const format = "{s} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {s}\r\n" ++
            "Content-Type: {s}\r\nContent-Length: {d}\r\n\r\n{s}";
        const sending = try std.Thread.spawn(.{}, std.net.Stream.writeAll, .{
            client, try std.fmt.allocPrint(arena.allocator(), format, .{ request, credentials, content_type, body.len, body }),
        });
        defer sending.join();
        var answered: std.ArrayListUnmanaged(u8) = .empty;
        while (true) {
            var ready = [1]posix.pollfd{.{ .fd = client.handle, .events = posix.POLL.IN, .revents = 0 }};
            if (try posix.poll(&ready, 0) == 0) {
                server.loops[0].turn();
                continue;
            }
            var buffer: [4096]u8 = undefined;
            const length = try client.read(&buffer);
            if (length == 0) return std.fmt.parseInt(u16, answered.items["HTTP/1.1 ".len..][0..3], 10);
            try answered.appendSlice(arena.allocator(), buffer[0..length]);
        }
    }
};
