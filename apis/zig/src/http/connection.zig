//! One client's connection: reads requests, has each of them answered before it
//! looks at the next, and limits what a client may take of time and memory.

const std = @import("std");
const posix = std.posix;
const Channel = @import("../event/channel.zig").Channel;
const head_module = @import("head.zig");
const loop_module = @import("../event/loop.zig");
const Reader = @import("reader.zig").Reader;
const request_module = @import("request.zig");
const response_module = @import("response.zig");
const Server = @import("server.zig").Server;

const Request = request_module.Request;

/// Time limits. Each is for the whole of it, so that a client that sends or
/// reads a byte now and then is cut off like one that does nothing.
const idle_limit: loop_module.Delay = .s_60;
const head_limit: loop_module.Delay = .s_10;
const body_limit: loop_module.Delay = .s_60;
const write_limit: loop_module.Delay = .s_120;
/// For the rest of a head when the process ends.
const drain_limit: loop_module.Delay = .s_1;
/// How long a client that is still sending has to notice its last answer.
const linger_limit: loop_module.Delay = .s_2;

/// A client could keep a loop busy for as long as it sends something: other
/// connections and timers would wait. So many requests are begun in one turn, and
/// fewer where bodies are read: so many of their bytes count as one more request.
pub const requests_in_turn = 64;
const bytes_as_request = 1 << 10;

/// Bytes that are read of a body, or behind the last answer, and dropped. Closing
/// a socket that has more to read would destroy the answer on its way.
const max_dropped = 256 << 10;

/// Memory of a request that its connection keeps for the next one.
const kept_memory = 8 << 10;

pub const Connection = struct {
    source: loop_module.Source = .{ .ready = onReady },
    /// First brings the connection to its loop, finally releases its memory.
    task: loop_module.Task = .{ .run = onAdopted },
    timer: loop_module.Timer = .{ .expired = onExpired },
    node: loop_module.List.Node = .{ .data = {} },
    server: *Server,

    /// May be closed before the application has answered.
    channel: Channel,
    state: State = .head,
    advancing: bool = false,
    /// What is left of `requests_in_turn`.
    budget: usize = 0,
    keep_alive: bool = true,

    reader: Reader = .{},
    request: Request,
    sink: ?*request_module.Sink = null,
    output: response_module.Output = .{},
    dropped: usize = 0,

    const State = enum {
        /// Waits for a request, or for the rest of its head.
        head,
        /// The application has the request.
        handling,
        /// The answer is being written.
        writing,
        /// The answer is written, and its request to be cleaned up.
        finishing,
        /// The last answer is written; what still comes is read.
        lingering,
        closed,
    };

    pub fn create(server: *Server, fd: posix.fd_t) !*Connection {
        const connection = try server.allocator.create(Connection);
        connection.* = .{
            .server = server,
            // Not reported yet, but likely: so nothing waits for the loop.
            .channel = .{ .fd = fd, .readable = true, .writable = true },
            .request = .{ .arena = .init(server.allocator), .connection = connection },
        };
        return connection;
    }

    fn onAdopted(task: *loop_module.Task) void {
        const connection: *Connection = @fieldParentPtr("task", task);
        connection.task.run = onReleased;
        connection.server.connections.append(&connection.node);
        connection.loop().add(connection.channel.fd, &connection.source) catch return connection.close();
        connection.awaitHead();
        connection.advance();
    }

    fn onReleased(task: *loop_module.Task) void {
        const connection: *Connection = @fieldParentPtr("task", task);
        const server = connection.server;
        connection.output.release();
        connection.request.arena.deinit();
        server.allocator.destroy(connection);
        _ = server.load.fetchSub(1, .release);
    }

    fn loop(connection: *const Connection) *loop_module.Loop {
        return connection.server.loop;
    }

    fn onReady(source: *loop_module.Source, _: *loop_module.Loop, ready: loop_module.Ready) void {
        const connection: *Connection = @fieldParentPtr("source", source);
        connection.channel.notice(ready);
        if (ready.ended) connection.request.abandoned.store(true, .monotonic);
        connection.advance();
    }

    fn onExpired(timer: *loop_module.Timer) void {
        const connection: *Connection = @fieldParentPtr("timer", timer);
        switch (connection.state) {
            .head => if (connection.reader.isEmpty() or connection.server.draining)
                connection.close()
            else
                connection.refuse(.request_timeout),
            .handling => {
                connection.abortBody();
                connection.refuse(.request_timeout);
            },
            else => connection.close(),
        }
    }

    /// Does everything that can be done now, within the budget.
    fn advance(connection: *Connection) void {
        if (connection.advancing) return;
        connection.advancing = true;
        connection.budget = requests_in_turn;
        while (switch (connection.state) {
            .head => if (connection.budget != 0) connection.readHead() else connection.yield(),
            .handling => if (connection.budget != 0) connection.passBody() else connection.yield(),
            .writing => connection.continueWriting(),
            .finishing => connection.finish(),
            .lingering => connection.linger(),
            .closed => false,
        }) {}
        connection.advancing = false;
    }

    /// Leaves the loop to others, and what has arrived already to its next turn.
    fn yield(connection: *Connection) bool {
        connection.loop().again(connection.channel.fd, &connection.source) catch connection.close();
        return false;
    }

    // Reading.

    fn awaitHead(connection: *Connection) void {
        connection.state = .head;
        const limit = if (connection.reader.isEmpty()) idle_limit else head_limit;
        connection.loop().startTimer(&connection.timer, if (connection.server.draining) drain_limit else limit);
    }

    fn readHead(connection: *Connection) bool {
        const was_empty = connection.reader.isEmpty();
        const head = connection.reader.nextHead(&connection.channel) catch |failure| {
            switch (failure) {
                error.TooLong => connection.refuse(.request_header_fields_too_large),
                error.Malformed => connection.refuse(.bad_request),
                error.Disconnected => connection.close(),
            }
            return true;
        } orelse {
            if (was_empty and !connection.reader.isEmpty()) connection.loop().startTimer(&connection.timer, head_limit);
            return false;
        };
        connection.loop().stopTimer(&connection.timer);
        connection.state = .handling;
        connection.budget -= 1;
        connection.request.head = head;
        connection.request.abandoned.store(connection.channel.ended, .monotonic);
        const handler = connection.server.handler;
        handler.handle(handler.context, &connection.request);
        return true;
    }

    pub fn readBody(connection: *Connection, sink: *request_module.Sink) void {
        std.debug.assert(connection.state == .handling);
        connection.sink = sink;
        if (!connection.reader.isBodyComplete()) {
            connection.loop().startTimer(&connection.timer, body_limit);
            if (connection.request.head.expects_continue and connection.reader.isEmpty()) {
                connection.request.head.expects_continue = false;
                // The socket's buffer is empty, so it takes the line as a whole.
                _ = connection.channel.write("HTTP/1.1 100 Continue\r\n\r\n", "", false) catch null;
            }
        }
        connection.advance();
    }

    pub fn stopBody(connection: *Connection) void {
        connection.sink = null;
        connection.loop().stopTimer(&connection.timer);
    }

    fn passBody(connection: *Connection) bool {
        const sink = connection.sink orelse return false;
        if (connection.reader.isBodyComplete()) {
            connection.stopBody();
            sink.end(sink);
            return true;
        }
        const data = connection.nextOfBody() catch |failure| {
            connection.abortBody();
            if (failure == error.Malformed) connection.refuse(.bad_request) else connection.close();
            return true;
        } orelse return false;
        connection.budget -|= 1 + data.len / bytes_as_request;
        if (data.len != 0) sink.data(sink, data);
        return true;
    }

    fn nextOfBody(connection: *Connection) Reader.BodyError!?[]const u8 {
        return connection.reader.nextOfBody(&connection.channel, &connection.loop().scratch);
    }

    fn abortBody(connection: *Connection) void {
        const sink = connection.sink orelse return;
        connection.sink = null;
        sink.abort(sink);
    }

    // Answering.

    pub fn respond(connection: *Connection, response: response_module.Response) void {
        std.debug.assert(connection.state == .handling);
        connection.stopBody();
        connection.logRequest(response.status);
        connection.keep_alive = connection.request.head.keep_alive and !connection.server.draining and connection.dropBody();
        connection.state = .writing;
        connection.begin(response);
        connection.advance();
    }

    fn begin(connection: *Connection, response: response_module.Response) void {
        const is_open = connection.channel.isOpen();
        // The answer to HEAD has no body, though a head like any other.
        const has_body = is_open and !std.mem.eql(u8, connection.request.head.method, "HEAD");
        if (!has_body and response.body == .file) posix.close(response.body.file.fd);
        if (!is_open) {
            connection.state = .finishing;
            return;
        }
        var buffer: [response_module.max_head]u8 = undefined;
        const date = connection.server.date.get(connection.loop().now);
        const head = response_module.writeHead(&buffer, &response, connection.keep_alive, date);
        const body = if (has_body) response.body else .none;
        connection.wrote(connection.output.start(&connection.channel, head, body, connection.request.allocator()));
    }

    /// Drops what has arrived of a body that nobody has read. False: there is
    /// more of it, which would be in front of the next request.
    fn dropBody(connection: *Connection) bool {
        var dropped: usize = 0;
        while (!connection.reader.isBodyComplete()) {
            const data = connection.nextOfBody() catch return false;
            dropped += (data orelse return false).len;
            if (dropped > max_dropped) return false;
        }
        return true;
    }

    fn continueWriting(connection: *Connection) bool {
        if (!connection.channel.writable) return false;
        connection.wrote(connection.output.proceed(&connection.channel));
        return connection.state != .writing;
    }

    fn wrote(connection: *Connection, outcome: response_module.Output.Error!bool) void {
        const is_done = outcome catch {
            // Half an answer must not look whole, so nothing may follow it.
            connection.disconnect();
            connection.state = .finishing;
            return;
        };
        if (is_done) {
            connection.state = .finishing;
        } else if (!connection.timer.isRunning()) {
            connection.loop().startTimer(&connection.timer, write_limit);
        }
    }

    /// Ends a request whose client has left, without an answer.
    pub fn drop(connection: *Connection) void {
        std.debug.assert(connection.state == .handling);
        connection.disconnect();
        connection.state = .finishing;
        connection.advance();
    }

    fn finish(connection: *Connection) bool {
        connection.loop().stopTimer(&connection.timer);
        connection.request.head = .{};
        connection.output.release();
        _ = connection.request.arena.reset(.{ .retain_with_limit = kept_memory });
        const has_more = !connection.reader.isEmpty() or !connection.reader.isBodyComplete();
        if (!connection.channel.isOpen()) {
            connection.close();
        } else if (!connection.keep_alive and has_more) {
            connection.startLingering();
        } else if (!connection.keep_alive or (connection.server.draining and !has_more)) {
            connection.close();
        } else {
            connection.awaitHead();
        }
        return true;
    }

    /// Answers what isn't a request, or will never be complete, and ends the
    /// connection.
    fn refuse(connection: *Connection, status: std.http.Status) void {
        if (!connection.channel.isOpen()) return connection.close();
        var buffer: [response_module.max_head]u8 = undefined;
        const date = connection.server.date.get(connection.loop().now);
        const head = response_module.writeHead(&buffer, &.{ .status = status, .body = .{ .kept = "" } }, false, date);
        // If the socket doesn't take it, the client doesn't read answers anyway.
        _ = connection.channel.write(head, "", false) catch null;
        if (connection.state == .handling) connection.logRequest(status);
        connection.startLingering();
    }

    fn logRequest(connection: *Connection, status: std.http.Status) void {
        const head = &connection.request.head;
        std.log.info("{s} {s} {d}", .{ head.method, head.path, @intFromEnum(status) });
    }

    // The end.

    fn startLingering(connection: *Connection) void {
        connection.state = .lingering;
        connection.channel.shutdownWrite();
        connection.loop().startTimer(&connection.timer, linger_limit);
        connection.advance();
    }

    fn linger(connection: *Connection) bool {
        // With more than that, full buffers hold up the client while it looks at
        // the answer.
        if (connection.dropped > max_dropped) return false;
        const length = connection.channel.read(&connection.loop().scratch) catch {
            connection.close();
            return false;
        };
        connection.dropped += length orelse return false;
        return true;
    }

    /// Closes the connection for the end of the process, unless it has a request
    /// to be answered.
    pub fn drain(connection: *Connection) void {
        if (connection.state != .head) return;
        connection.channel.readable = true; // look again: one may just have arrived
        connection.advance();
        if (connection.state != .head) return;
        if (connection.reader.isEmpty()) connection.close() else connection.awaitHead();
    }

    /// Ends the connection now, whatever it is doing.
    pub fn cutOff(connection: *Connection) void {
        // The application will answer, and finds nobody.
        if (connection.state == .handling and connection.sink == null) return connection.disconnect();
        connection.abortBody();
        connection.close();
    }

    fn disconnect(connection: *Connection) void {
        if (!connection.channel.isOpen()) return;
        connection.loop().stopTimer(&connection.timer);
        connection.channel.close();
    }

    fn close(connection: *Connection) void {
        if (connection.state == .closed) return;
        connection.state = .closed;
        connection.disconnect();
        connection.server.connections.remove(&connection.node);
        connection.loop().later(&connection.task);
    }
};
