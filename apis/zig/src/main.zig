//! The API of the contract: reads the environment, puts the parts together, and
//! serves until a signal.

const std = @import("std");
const Api = @import("api/api.zig").Api;
const config = @import("config.zig");
const Directory = @import("api/directory.zig").Directory;
const Hasher = @import("api/hasher.zig").Hasher;
const Host = @import("event/dialer.zig").Host;
const log = @import("log.zig");
const postgres = @import("postgres/pool.zig");
const redis = @import("redis/client.zig");
const Service = @import("service.zig").Service;
const token = @import("api/token.zig");

pub const std_options: std.Options = .{ .logFn = log.write, .log_level = .info, .enable_segfault_handler = false };

const allocator = std.heap.smp_allocator;

const Config = struct {
    database: config.Database,
    redis: config.Redis,
    secret: []const u8,
    address: std.net.Address,
    uploads: Directory,
    pool_size: u16,
    log_level: std.log.Level,

    fn read(reader: *config.Reader) config.Error!Config {
        return .{
            .database = try reader.database(),
            .redis = try reader.redis(),
            .secret = try reader.secret(),
            .address = try reader.address(),
            .uploads = try reader.uploads(),
            .pool_size = try reader.poolSize(),
            .log_level = try reader.logLevel(),
        };
    }
};

pub fn main() u8 {
    var reader: config.Reader = .{ .allocator = allocator };
    const settings = Config.read(&reader) catch {
        std.log.err("{s} {s}", .{ reader.name, reader.problem });
        return 2;
    };
    log.level = settings.log_level;
    serve(&settings) catch |failure| {
        std.log.err("{}: {s}", .{ settings.address, @errorName(failure) });
        return 1;
    };
}

/// What one loop has beside its server.
const Parts = struct { redis: redis.Client, api: Api };

fn serve(settings: *const Config) !noreturn {
    var service: Service = undefined;
    try service.init(allocator, settings.address);

    var postgres_host: Host = undefined;
    try postgres_host.init(settings.database.host, settings.database.port);
    var pool: postgres.Pool = undefined;
    try pool.init(allocator, .{
        .host = &postgres_host,
        .user = settings.database.user,
        .password = settings.database.password,
        .database = settings.database.name,
    }, settings.pool_size, service.loops);

    var redis_host: Host = undefined;
    try redis_host.init(settings.redis.host, settings.redis.port);
    const redis_settings: redis.Settings = .{
        .host = &redis_host,
        .user = settings.redis.user,
        .password = settings.redis.password,
        .database = settings.redis.database,
    };

    const tokens: token.Authority = .init(settings.secret);
    var hasher: Hasher = .{};
    try hasher.start(service.loops.len);

    const parts = try allocator.alloc(Parts, service.loops.len);
    for (parts, service.loops, service.servers, pool.clients) |*part, *loop, *server, *client| {
        part.redis = .init(loop, &redis_settings, allocator);
        part.api = .{
            .memory = allocator,
            .loop = loop,
            .postgres = client,
            .redis = &part.redis,
            .hasher = &hasher,
            .tokens = &tokens,
            .uploads = settings.uploads,
        };
        server.handler = part.api.handler();
    }
    std.log.info("listening on {} with {d} loops", .{ settings.address, service.loops.len });
    try service.run();
}
