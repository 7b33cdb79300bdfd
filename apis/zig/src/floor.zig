//! The least that this server can do for GET /api/posts/{id}: the same octets
//! and headers as the API on a cache hit, from memory. Benchmarks measure the API
//! against it. It is no part of the API.

const std = @import("std");
const config_module = @import("config/config.zig");
const json = @import("json/writer.zig");
const log_module = @import("log.zig");
const loop_module = @import("event/loop.zig");
const message = @import("postgres/message.zig");
const postgres = @import("postgres/pool.zig");
const postgres_connection = @import("postgres/connection.zig");
const process = @import("process.zig");
const query_module = @import("postgres/query.zig");
const Request = @import("http/request.zig").Request;
const route = @import("api/route.zig");
const serving = @import("serving.zig");
const statements = @import("api/statements.zig");
const view = @import("api/view.zig");

pub const std_options: std.Options = .{ .enable_segfault_handler = false };

const allocator = std.heap.smp_allocator;
const page_size = 1000;

pub fn main() u8 {
    var reader: config_module.Reader = .{ .lookup = process.lookup, .allocator = allocator };
    const config = reader.readFloor() catch {
        for (reader.problems.items) |problem| process.complain("{s}: {s}", .{ problem.name, problem.message });
        return 2;
    };
    const ears = serving.listen(config.address, config.host) orelse return 1;
    serve(&config, ears) catch |failure| {
        process.complain("{s}", .{@errorName(failure)});
        return 1;
    };
}

fn serve(config: *const config_module.FloorConfig, ears: std.posix.fd_t) !noreturn {
    const signals = try process.EndSignals.block();
    process.raiseDescriptorLimit();
    var sink: log_module.Sink = .{ .level = .warn };
    var service: serving.Service = undefined;
    try service.init(allocator, process.cpuCount(), &sink, ears);
    const floor = try allocator.create(Floor);
    floor.* = .{};
    try floor.load(config, service.loops);
    for (service.servers) |*server| server.handler = .{ .context = floor, .handle = Floor.handle };
    try service.run(signals);
}

/// One post as it is sent.
const Answer = struct { fields: []const u8, body: []const u8 };

const Floor = struct {
    answers: std.AutoHashMapUnmanaged(i64, Answer) = .empty,

    fn handle(context: *anyopaque, request: *Request) void {
        const floor: *const Floor = @ptrCast(@alignCast(context));
        const resource = route.find(request.head.path) orelse return notFound(request);
        switch (resource) {
            .post => |id| {
                const answer = floor.answers.get(id) orelse return notFound(request);
                request.respond(.{
                    .status = 200,
                    .fields = answer.fields,
                    .content_type = "application/json",
                    .body = .{ .kept = answer.body },
                });
            },
            .readiness => request.respond(.{ .status = 200, .body = .{ .kept = "" } }),
            else => notFound(request),
        }
    }

    fn notFound(request: *Request) void {
        request.respond(.{ .status = 404, .body = .{ .kept = "" } });
    }

    /// Reads all posts, page by page, before the loops run.
    fn load(floor: *Floor, config: *const config_module.FloorConfig, loops: []loop_module.Loop) !void {
        var pool: postgres.Pool = undefined;
        var connections: [1]postgres_connection.Connection = undefined;
        var clients: [1]postgres.Client = undefined;
        pool.init(.{
            .host = .init(config.database.host, config.database.port),
            .user = config.database.user,
            .password = config.database.password,
            .database = config.database.database,
        }, &connections, &clients, loops[0..1], allocator);
        defer clients[0].closeIdle();
        var before: i64 = std.math.maxInt(i64);
        while (true) {
            const parameters = [_]message.Parameter{ .{ .integer = page_size }, .{ .integer = before } };
            var page: Page = .{ .floor = floor, .query = .init(&statements.posts_before, &parameters, Page.onRow, Page.onDone) };
            clients[0].execute(&page.query);
            while (page.outcome == null) loops[0].turn();
            if (page.outcome.? != .done or page.failed) return error.PostsCannotBeRead;
            if (page.outcome.?.done < page_size) return;
            before = page.last_id;
        }
    }

    fn keep(floor: *Floor, post: *const statements.Post) !void {
        var etag: [view.max_etag]u8 = undefined;
        var body: json.Buffer = .empty;
        try view.post(&body, allocator, post);
        try floor.answers.put(allocator, post.id, .{
            .fields = try std.fmt.allocPrint(allocator, "ETag: {s}\r\nX-Cache: HIT\r\n", .{view.etag(post.id, post.version, &etag)}),
            .body = try body.toOwnedSlice(allocator),
        });
    }
};

const Page = struct {
    floor: *Floor,
    query: query_module.Query,
    last_id: i64 = 0,
    failed: bool = false,
    outcome: ?query_module.Outcome = null,

    fn onRow(query: *query_module.Query, row: *message.Row) message.Error!void {
        const page: *Page = @fieldParentPtr("query", query);
        const post: statements.Post = try .read(row);
        page.last_id = post.id;
        page.floor.keep(&post) catch {
            page.failed = true;
        };
    }

    fn onDone(query: *query_module.Query, outcome: query_module.Outcome) void {
        const page: *Page = @fieldParentPtr("query", query);
        page.outcome = outcome;
    }
};
