//! A server on loopback whose handler answers with what it was asked.

const std = @import("std");
const posix = std.posix;
const fuzz_module = @import("../testing/fuzz.zig");
const http = @import("server.zig");
const connection_module = @import("connection.zig");
const loop_module = @import("../event/loop.zig");
const request_module = @import("request.zig");

/// Answers with method, path and body. A path that begins with /early is
/// answered before the body is read.
const Echo = struct {
    collector: request_module.Collector,

    /// A request that its test answers.
    var held: ?*request_module.Request = null;

    fn handle(context: *anyopaque, request: *request_module.Request) void {
        const handled: *usize = @ptrCast(@alignCast(context));
        handled.* += 1;
        if (std.mem.startsWith(u8, request.head.path, "/early")) return answer(request, "");
        if (std.mem.eql(u8, request.head.path, "/held")) {
            held = request;
            return;
        }
        if (std.mem.eql(u8, request.head.path, "/large")) return request.respond(.{ .status = .ok, .body = .{ .kept = large } });
        const echo = request.allocator().create(Echo) catch unreachable;
        echo.* = .{ .collector = .{ .request = request, .limit = 1000, .finished = onBody } };
        echo.collector.start();
    }

    fn onBody(collector: *request_module.Collector, body: request_module.Collector.Error![]const u8) void {
        answer(collector.request, body catch "too large");
    }

    fn answer(request: *request_module.Request, body: []const u8) void {
        const text = std.fmt.allocPrint(request.allocator(), "<{s} {s} {s}>", .{ request.head.method, request.head.path, body }) catch unreachable;
        request.respond(.{ .status = .ok, .content_type = "text/plain", .body = .{ .passing = text } });
    }
};

const large = "x" ** (16 << 20);

const Fixture = struct {
    loop: *loop_module.Loop,
    servers: [1]http.Server,
    listener: http.Listener,
    address: std.net.Address,
    handled: usize = 0,
    /// The client sends its first piece, and all others once it was answered.
    waits_for_answer: bool = false,

    fn init(fixture: *Fixture) !void {
        const loop = try std.testing.allocator.create(loop_module.Loop);
        try loop.init(0);
        const fd = try http.listen(std.net.Address.initIp4(.{ 127, 0, 0, 1 }, 0));
        fixture.* = .{
            .loop = loop,
            .servers = .{.{
                .loop = loop,
                .allocator = std.testing.allocator,
                .handler = .{ .context = &fixture.handled, .handle = Echo.handle },
            }},
            .listener = .{ .loop = loop, .servers = &fixture.servers, .fd = fd },
            .address = undefined,
        };
        var length: posix.socklen_t = @sizeOf(std.net.Address);
        try posix.getsockname(fd, &fixture.address.any, &length);
        try fixture.listener.start();
    }

    fn deinit(fixture: *Fixture) void {
        fixture.listener.stop();
        while (fixture.servers[0].load.raw != 0 or fixture.listener.fd != null) fixture.loop.turn();
        fixture.loop.deinit();
        std.testing.allocator.destroy(fixture.loop);
    }

    /// Sends bytes in pieces, and returns all that is answered once the client
    /// has nothing more to send.
    fn exchange(fixture: *Fixture, bytes: []const u8, piece: usize) ![]const u8 {
        const client = try std.net.tcpConnectToAddress(fixture.address);
        defer client.close();
        _ = try posix.fcntl(client.handle, posix.F.SETFL, @as(u32, @bitCast(posix.O{ .NONBLOCK = true })));
        var answered: std.ArrayListUnmanaged(u8) = .empty;
        errdefer answered.deinit(std.testing.allocator);
        var timer: loop_module.Timer = .{ .expired = ignore };
        defer fixture.loop.stopTimer(&timer);
        var sent: usize = 0;
        var is_shut = false;
        while (true) {
            const may_send = sent == 0 or !fixture.waits_for_answer or answered.items.len != 0;
            if (sent < bytes.len and may_send) {
                sent += client.write(bytes[sent..@min(sent + piece, bytes.len)]) catch bytes.len - sent;
            }
            if (sent == bytes.len and !is_shut) {
                posix.shutdown(client.handle, .send) catch {};
                is_shut = true;
            }
            fixture.loop.startTimer(&timer, .ms_50);
            fixture.loop.turn();
            var buffer: [4096]u8 = undefined;
            const length = client.read(&buffer) catch |failure| switch (failure) {
                error.WouldBlock => continue,
                else => break,
            };
            if (length == 0) break;
            try answered.appendSlice(std.testing.allocator, buffer[0..length]);
        }
        return answered.toOwnedSlice(std.testing.allocator);
    }

    fn expect(fixture: *Fixture, bytes: []const u8, piece: usize, answers: []const []const u8) !void {
        const answered = try fixture.exchange(bytes, piece);
        defer std.testing.allocator.free(answered);
        errdefer std.debug.print("sent {s}\nanswered {s}\n", .{ bytes, answered });
        var position: usize = 0;
        for (answers) |answer| {
            position = (std.mem.indexOfPos(u8, answered, position, answer) orelse return error.TestUnexpectedResult) + answer.len;
        }
        try std.testing.expectEqual(answers.len, std.mem.count(u8, answered, "HTTP/1.1 "));
    }

    /// Sends a start, and a piece again and again. The answer must come, and then
    /// the end of the connection, with no more taken than sockets hold.
    fn expectCutOff(fixture: *Fixture, start: []const u8, piece: []const u8, answer: []const u8) !void {
        const client = try std.net.tcpConnectToAddress(fixture.address);
        defer client.close();
        try client.writeAll(start);
        _ = try posix.fcntl(client.handle, posix.F.SETFL, @as(u32, @bitCast(posix.O{ .NONBLOCK = true })));
        var timer: loop_module.Timer = .{ .expired = ignore };
        defer fixture.loop.stopTimer(&timer);
        var buffer: [1024]u8 = undefined;
        var answered: usize = 0;
        var sent: usize = 0;
        var offset: usize = 0;
        while (true) {
            const count = client.write(piece[offset..]) catch |failure| switch (failure) {
                error.WouldBlock => 0,
                else => break,
            };
            sent += count;
            offset = (offset + count) % piece.len;
            try std.testing.expect(sent < 16 << 20);
            fixture.loop.startTimer(&timer, .ms_50);
            fixture.loop.turn();
            answered += client.read(buffer[answered..]) catch 0;
        }
        try std.testing.expect(std.mem.indexOf(u8, buffer[0..answered], answer) != null);
    }
};

fn ignore(_: *loop_module.Timer) void {}

const pipeline = "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n" ++
    "POST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc" ++
    "POST /3 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n1\r\nf\r\n0\r\n\r\n" ++
    "HEAD /x HTTP/1.1\r\nHost: x\r\n\r\n" ++
    "GET /4?q HTTP/1.1\r\nHost: x\r\n\r\n" ++
    "POST /early5 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nghi";

test "pipelined requests are answered in order, however they arrive" {
    var fixture: Fixture = undefined;
    try fixture.init();
    defer fixture.deinit();
    for ([_]usize{ 1, 2, 3, 10, 100, 1000 }) |piece| {
        try fixture.expect(pipeline, piece, &.{ "<GET /1 >", "<POST /2 abc>", "<POST /3 def>", "\r\n\r\nHTTP/1.1 200", "<GET /4 >", "<POST /early5 >" });
    }
}

test "the last answer of a connection says so" {
    var fixture: Fixture = undefined;
    try fixture.init();
    defer fixture.deinit();
    const ending = "GET /1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" ++ pipeline;
    try fixture.expect(ending, 1000, &.{"Connection: close\r\n\r\n<GET /1 >"});
    const unread = "POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" ++ "x" ** 1000;
    try fixture.expect(unread, 1000, &.{"Connection: close\r\n\r\n<POST /early >"});
}

test "what is no request is refused, and nothing behind it is answered" {
    var fixture: Fixture = undefined;
    try fixture.init();
    defer fixture.deinit();
    const behind = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
    for ([_][2][]const u8{
        .{ "GET\r\n\r\n" ++ behind, "HTTP/1.1 400" },
        .{ "GET / HTTP/9.9\r\n\r\n" ++ behind, "HTTP/1.1 400" },
        .{ "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: x\r\n\r\n" ++ behind, "HTTP/1.1 400" },
        .{ "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" ++ behind, "HTTP/1.1 400" },
        .{ "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n\r\n" ++ behind, "HTTP/1.1 400" },
        .{ "GET / HTTP/1.1\r\nHost: x\r\nX: " ++ "x" ** 20_480 ++ "\r\n\r\n" ++ behind, "HTTP/1.1 431" },
    }) |case| try fixture.expect(case[0], 512, &.{case[1]});
}

test "what never ends is cut off, and its client gets its answer" {
    var fixture: Fixture = undefined;
    try fixture.init();
    defer fixture.deinit();
    const chunk = "1000\r\n" ++ "x" ** 0x1000 ++ "\r\n";
    for ([_][3][]const u8{
        .{ "POST /early HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", chunk, "<POST /early >" },
        .{ "POST /1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", chunk, "<POST /1 too large>" },
        .{ "GET / HTTP/1.1\r\nHost: x\r\nX: ", "x" ** 0x1000, "HTTP/1.1 431" },
    }) |case| try fixture.expectCutOff(case[0], case[1], case[2]);
}

test "many requests of one client leave the loop to others between them" {
    var fixture: Fixture = undefined;
    try fixture.init();
    defer fixture.deinit();
    const client = try std.net.tcpConnectToAddress(fixture.address);
    defer client.close();
    const count = 3 * connection_module.requests_in_turn + 1;
    try client.writeAll("GET /early HTTP/1.1\r\nHost: x\r\n\r\n" ** count);
    var timer: loop_module.Timer = .{ .expired = ignore };
    defer fixture.loop.stopTimer(&timer);
    for (0..10) |_| {
        const before = fixture.handled;
        fixture.loop.startTimer(&timer, .ms_50);
        fixture.loop.turn();
        try std.testing.expect(fixture.handled - before <= connection_module.requests_in_turn);
    }
    try std.testing.expectEqual(count, fixture.handled);
}

test "heads up to the limit are taken, bodies behind them too" {
    var fixture: Fixture = undefined;
    try fixture.init();
    defer fixture.deinit();
    const long = "POST /1 HTTP/1.1\r\nHost: x\r\nX: " ++ "x" ** 14_000 ++ "\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    try fixture.expect(long ++ pipeline, 5000, &.{ "<POST /1 abc>", "<GET /1 >", "<POST /2 abc>", "<POST /3 def>", "\r\n\r\nHTTP/1.1 200", "<GET /4 >", "<POST /early5 >" });
    const too_large = "POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n" ++ "x" ** 1001;
    try fixture.expect(too_large, 1000, &.{"<POST /1 too large>"});
}

/// A client that has asked for more than sockets hold, and the connection that
/// answers it.
const SlowReader = struct {
    stream: std.net.Stream,
    connection: *connection_module.Connection,

    fn init(fixture: *Fixture) !SlowReader {
        const stream = try std.net.tcpConnectToAddress(fixture.address);
        try stream.writeAll("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
        while (fixture.handled == 0) fixture.loop.turn();
        return .{ .stream = stream, .connection = @fieldParentPtr("node", fixture.servers[0].connections.first.?) };
    }

    /// Reads what there is or, if there is nothing, lets the server go on.
    fn read(reader: SlowReader, fixture: *Fixture) !usize {
        var ready = [1]posix.pollfd{.{ .fd = reader.stream.handle, .events = posix.POLL.IN, .revents = 0 }};
        if (try posix.poll(&ready, 0) == 0) {
            fixture.loop.turn();
            return 0;
        }
        var buffer: [64 << 10]u8 = undefined;
        return reader.stream.read(&buffer);
    }
};

test "at the end of the process an answer is finished, and its connection closed" {
    var fixture: Fixture = undefined;
    try fixture.init();
    defer fixture.deinit();
    const reader: SlowReader = try .init(&fixture);
    defer reader.stream.close();
    fixture.servers[0].drain();
    fixture.loop.turn();
    try std.testing.expectEqual(.writing, reader.connection.state);
    var length: usize = 0;
    while (fixture.servers[0].connections.len != 0) {
        // It doesn't wait for another request.
        try std.testing.expectEqual(.writing, reader.connection.state);
        length += try reader.read(&fixture);
    }
    while (true) {
        const count = try reader.read(&fixture);
        if (count == 0) break;
        length += count;
    }
    try std.testing.expect(length > large.len);
}

test "a client that reads a little now and then has no more time than one that doesn't" {
    var fixture: Fixture = undefined;
    try fixture.init();
    defer fixture.deinit();
    const reader: SlowReader = try .init(&fixture);
    const deadline = reader.connection.timer.deadline;
    try std.testing.expectEqual(fixture.loop.now + 120_000, deadline);
    var length: usize = 0;
    while (length < large.len / 2) {
        length += try reader.read(&fixture);
        try std.testing.expectEqual(.writing, reader.connection.state);
        try std.testing.expectEqual(deadline, reader.connection.timer.deadline);
    }
    reader.stream.close();
}

test "a request whose client leaves is abandoned, and may be dropped" {
    var fixture: Fixture = undefined;
    try fixture.init();
    defer fixture.deinit();
    const client = try std.net.tcpConnectToAddress(fixture.address);
    try client.writeAll("GET /held HTTP/1.1\r\nHost: x\r\n\r\n");
    while (fixture.handled == 0) fixture.loop.turn();
    const request = Echo.held.?;
    try std.testing.expect(!request.abandoned.raw);
    client.close();
    var timer: loop_module.Timer = .{ .expired = ignore };
    fixture.loop.startTimer(&timer, .s_2);
    while (!request.abandoned.raw and timer.isRunning()) fixture.loop.turn();
    try std.testing.expect(request.abandoned.raw);
    request.drop();
    fixture.loop.startTimer(&timer, .none);
    fixture.loop.turn();
    try std.testing.expectEqual(0, fixture.servers[0].load.raw);
}

test "a client that waits for a 100 gets one" {
    var fixture: Fixture = undefined;
    try fixture.init();
    defer fixture.deinit();
    fixture.waits_for_answer = true;
    const expecting = "POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc";
    try fixture.expect(expecting, expecting.len - 3, &.{ "HTTP/1.1 100 Continue\r\n\r\n", "<POST /1 abc>" });
}

test "fuzz: whatever clients send, the server goes on" {
    var fixture: Fixture = undefined;
    try fixture.init();
    defer fixture.deinit();
    var fuzz: fuzz_module.Fuzz = .init(11);
    var buffer: [1024]u8 = undefined;
    for (0..@max(1, fuzz_module.rounds / 10)) |_| {
        const answered = try fixture.exchange(fuzz.mutate(pipeline, &buffer), 1 + fuzz.below(600));
        std.testing.allocator.free(answered);
    }
    try fixture.expect("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n", 100, &.{"<GET /1 >"});
}
