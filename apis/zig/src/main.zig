//! The API of the contract: reads the environment, puts the parts together, and
//! serves until a signal.

const std = @import("std");
const address = @import("event/address.zig");
const Api = @import("api/api.zig").Api;
const config_module = @import("config/config.zig");
const Directory = @import("upload/directory.zig").Directory;
const Hasher = @import("password/hasher.zig").Hasher;
const log_module = @import("log.zig");
const loop_module = @import("event/loop.zig");
const postgres = @import("postgres/pool.zig");
const postgres_connection = @import("postgres/connection.zig");
const process = @import("process.zig");
const redis = @import("redis/client.zig");
const serving = @import("serving.zig");
const token = @import("token/token.zig");

pub const std_options: std.Options = .{ .enable_segfault_handler = false };

const allocator = std.heap.smp_allocator;

pub fn main() u8 {
    var reader: config_module.Reader = .{ .lookup = process.lookup, .allocator = allocator };
    const config = reader.readAll() catch |failure| switch (failure) {
        error.Invalid => {
            for (reader.problems.items) |problem| process.complain("{s}: {s}", .{ problem.name, problem.message });
            return 2;
        },
        error.OutOfMemory => return fail(failure),
    };
    const ears = serving.listen(config.address, config.host) orelse return 1;
    serve(&config, ears) catch |failure| return fail(failure);
}

fn fail(failure: anyerror) u8 {
    process.complain("{s}", .{@errorName(failure)});
    return 1;
}

/// What one loop has beside its server.
const Parts = struct {
    redis: redis.Client,
    api: Api,
};

fn serve(config: *const config_module.Config, ears: std.posix.fd_t) !noreturn {
    const signals = try process.EndSignals.block();
    process.raiseDescriptorLimit();
    const cpus = process.cpuCount();
    const uploads: Directory = try .open(config.upload_dir);
    const tokens: token.Authority = .init(config.jwt_secret);
    const redis_settings: redis.Settings = .{
        .host = .init(config.redis.host, config.redis.port),
        .user = config.redis.user,
        .password = config.redis.password,
        .number = config.redis.number,
    };

    var sink: log_module.Sink = .{ .level = config.log_level };
    var hasher: Hasher = .{};
    var pool: postgres.Pool = undefined;
    const connections = try allocator.alloc(postgres_connection.Connection, config.pool_size);
    const clients = try allocator.alloc(postgres.Client, cpus);
    const parts = try allocator.alloc(Parts, cpus);
    var service: serving.Service = undefined;
    try service.init(allocator, cpus, &sink, ears);
    pool.init(.{
        .host = .init(config.database.host, config.database.port),
        .user = config.database.user,
        .password = config.database.password,
        .database = config.database.database,
    }, connections, clients, service.loops, allocator);
    for (parts, service.loops, service.logs, service.servers, clients) |*part, *loop, *log, *server, *client| {
        part.* = .{
            .redis = .{
                .loop = loop,
                .settings = &redis_settings,
                .resolver = &pool.resolver,
                .allocator = allocator,
                .failed = onRedisFailed,
            },
            .api = .{
                .allocator = allocator,
                .loop = loop,
                .log = log,
                .postgres = client,
                .redis = &part.redis,
                .hasher = &hasher,
                .tokens = &tokens,
                .uploads = uploads,
            },
        };
        server.handler = part.api.handler();
    }
    try hasher.start(cpus);
    service.logs[0].write(.info, "listening", .{ .port = config.address.getPort(), .cpus = cpus });
    try service.run(signals);
}

fn onRedisFailed(client: *redis.Client, reason: []const u8) void {
    const part: *Parts = @fieldParentPtr("redis", client);
    part.api.log.writeLimited(.redis, .warn, "Redis is passed over", .{ .cause = reason });
}
