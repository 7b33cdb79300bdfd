//! One client's connection: reads requests, has each of them answered before it
//! looks at the next, and keeps the time limits of the contract.

const std = @import("std");
const posix = std.posix;
const body_module = @import("body.zig");
const Channel = @import("../event/channel.zig").Channel;
const head_module = @import("head.zig");
const incoming_module = @import("incoming.zig");
const limits = @import("limits.zig");
const loop_module = @import("../event/loop.zig");
const output_module = @import("output.zig");
const request_module = @import("request.zig");
const response_module = @import("response.zig");
const server_module = @import("server.zig");
const socket = @import("../event/socket.zig");

const Request = request_module.Request;
const Server = server_module.Server;

const continue_line = "HTTP/1.1 100 Continue\r\n\r\n";

pub const Connection = struct {
    source: loop_module.Source = .{ .ready = onReady },
    /// First brings the connection to its loop, at last takes it out of memory.
    task: loop_module.Task = .{ .run = onAdopted },
    timer: loop_module.Timer = .{ .expired = onExpired },
    server: *Server,
    previous: ?*Connection = null,
    next: ?*Connection = null,

    /// May be closed before the application has answered.
    channel: Channel,
    state: State = .head,
    advancing: bool = false,
    /// Requests since the connection began to advance.
    begun: usize = 0,
    served: bool = false,
    persistence: response_module.Persistence = .keep,

    incoming: incoming_module.Incoming = .{},
    request: Request,
    sink: ?*body_module.Sink = null,
    output: output_module.Output = .{},
    status: u16 = 0,
    /// Octets that were read behind the last answer.
    lingered: usize = 0,

    const State = enum {
        /// Waits for a request, or for the rest of its head.
        head,
        /// The application has the request.
        handling,
        /// The answer is being written.
        writing,
        /// The answer is written, and its request to be passed over.
        finishing,
        /// The rest of a body is read that nobody wants.
        discarding,
        /// All is said; what still comes is read, lest a reset destroys the answer.
        lingering,
        /// Too much came. It isn't read, so that the client is held up by full
        /// buffers while it looks at the answer.
        parting,
        closed,
    };

    pub fn create(server: *Server, fd: posix.fd_t) !*Connection {
        const connection = try server.allocator.create(Connection);
        connection.* = .{
            .server = server,
            // Not told yet, but likely: so nothing waits for the loop to tell.
            .channel = .{ .fd = fd, .readable = true, .writable = true },
            .request = .{ .arena = .init(server.allocator), .connection = connection },
        };
        return connection;
    }

    fn onAdopted(task: *loop_module.Task) void {
        const connection: *Connection = @fieldParentPtr("task", task);
        connection.task.run = onReleased;
        connection.server.link(connection);
        connection.loop().add(connection.channel.fd, &connection.source, .read_write) catch return connection.close();
        connection.awaitHead();
        connection.advance();
        if (connection.server.draining) connection.drain();
    }

    fn onReleased(task: *loop_module.Task) void {
        const connection: *Connection = @fieldParentPtr("task", task);
        const server = connection.server;
        connection.output.release();
        connection.incoming.deinit(server.allocator);
        connection.request.arena.deinit();
        server.allocator.destroy(connection);
        server.released();
    }

    pub fn loop(connection: *const Connection) *loop_module.Loop {
        return connection.server.loop;
    }

    fn onReady(source: *loop_module.Source, _: *loop_module.Loop, ready: loop_module.Ready) void {
        const connection: *Connection = @fieldParentPtr("source", source);
        connection.channel.notice(ready);
        connection.advance();
    }

    fn onExpired(timer: *loop_module.Timer) void {
        const connection: *Connection = @fieldParentPtr("timer", timer);
        switch (connection.state) {
            .head => if (connection.incoming.isEmpty()) connection.close() else connection.refuse(408),
            .handling => {
                connection.abortBody();
                connection.refuse(408);
            },
            .writing, .finishing, .discarding, .lingering, .parting => connection.close(),
            .closed => {},
        }
    }

    /// Does all that can be done now, but for requests above the limit of a turn.
    fn advance(connection: *Connection) void {
        if (connection.advancing) return;
        connection.advancing = true;
        connection.begun = 0;
        while (switch (connection.state) {
            .head => if (connection.begun < limits.requests_in_turn) connection.readHead() else connection.yield(),
            .handling => connection.passBody(),
            .writing => connection.goOnWriting(),
            .finishing => connection.finish(),
            .discarding => connection.discardBody(),
            .lingering => connection.linger(),
            .parting, .closed => false,
        }) {}
        connection.advancing = false;
    }

    /// Leaves the loop to others, and what has come already to its next turn.
    fn yield(connection: *Connection) bool {
        connection.loop().again(connection.channel.fd, &connection.source, .read_write) catch connection.close();
        return false;
    }

    // Reading a head.

    fn awaitHead(connection: *Connection) void {
        connection.state = .head;
        connection.incoming.startOver(connection.server.allocator);
        const limit = if (connection.incoming.isEmpty()) limits.idle else limits.head;
        connection.loop().startTimer(&connection.timer, limit);
    }

    fn readHead(connection: *Connection) bool {
        const had_begun = connection.incoming.hasBegun();
        const head = connection.incoming.nextHead(&connection.channel, connection.server.allocator) catch |failure| {
            switch (failure) {
                error.TooLong => connection.refuse(431),
                error.Malformed => connection.refuse(400),
                error.UnknownVersion => connection.refuse(505),
                error.UnknownCoding => connection.refuse(501),
                error.Disconnected, error.Ended => connection.fail(),
                error.OutOfMemory => connection.close(),
            }
            return true;
        } orelse {
            if (!had_begun and connection.incoming.hasBegun()) connection.loop().startTimer(&connection.timer, limits.head);
            return false;
        };
        connection.begin(head);
        return true;
    }

    fn begin(connection: *Connection, head: head_module.Head) void {
        connection.loop().stopTimer(&connection.timer);
        connection.state = .handling;
        connection.begun += 1;
        connection.served = true;
        connection.request.head = head;
        connection.request.started = if (connection.server.log.enabled(.info)) std.time.Instant.now() catch null else null;
        const handler = connection.server.handler;
        handler.handle(handler.context, &connection.request);
    }

    // Reading a body.

    pub fn readBody(connection: *Connection, sink: *body_module.Sink) void {
        std.debug.assert(connection.state == .handling);
        connection.sink = sink;
        if (connection.request.head.expects_continue and !connection.incoming.remainder.isComplete() and connection.incoming.isEmpty()) {
            connection.request.head.expects_continue = false;
            // The socket's buffer is empty, so it takes the line as a whole.
            const written = socket.write(connection.channel.fd, continue_line, .last) catch 0;
            if (written != continue_line.len) connection.fail();
        }
        connection.advance();
    }

    pub fn stopBody(connection: *Connection) void {
        connection.sink = null;
        connection.loop().stopTimer(&connection.timer);
    }

    fn passBody(connection: *Connection) bool {
        const sink = connection.sink orelse return false;
        if (connection.incoming.remainder.isComplete()) {
            connection.sink = null;
            connection.loop().stopTimer(&connection.timer);
            sink.end(sink);
            return connection.state != .handling or connection.sink != null;
        }
        const data = connection.nextOfBody() catch {
            connection.abortBody();
            connection.refuse(400);
            return true;
        } orelse return false;
        if (data.len != 0) sink.data(sink, data);
        return true;
    }

    fn discardBody(connection: *Connection) bool {
        if (connection.incoming.remainder.isComplete()) {
            connection.awaitHead();
            return true;
        }
        // Only a body of known length is discarded, and that is never malformed.
        return (connection.nextOfBody() catch unreachable) != null;
    }

    /// The next octets of the body, which may be none; null if they have yet to
    /// arrive, or never will.
    fn nextOfBody(connection: *Connection) error{Malformed}!?[]const u8 {
        const next = connection.incoming.nextOfBody(&connection.channel, &connection.loop().scratch) catch |failure| switch (failure) {
            error.Malformed => return error.Malformed,
            error.Disconnected, error.Ended => {
                connection.fail();
                return null;
            },
        };
        if (next != null) {
            connection.loop().stopTimer(&connection.timer);
        } else if (!connection.timer.isRunning()) {
            connection.loop().startTimer(&connection.timer, limits.body_idle);
        }
        return next;
    }

    fn abortBody(connection: *Connection) void {
        const sink = connection.sink orelse return;
        connection.sink = null;
        sink.abort(sink);
    }

    // Answering.

    pub fn respond(connection: *Connection, response: response_module.Response) void {
        std.debug.assert(connection.state == .handling);
        connection.sink = null;
        connection.loop().stopTimer(&connection.timer);
        connection.status = response.status;
        connection.persistence = connection.choosePersistence();
        connection.write(response);
        connection.advance();
    }

    fn choosePersistence(connection: *Connection) response_module.Persistence {
        if (!connection.request.head.keep_alive or connection.server.draining) return .close;
        connection.incoming.dropReceived() catch return .close;
        if (connection.incoming.remainder.isComplete()) return .keep;
        // A client that waits for a 100 may send the body all the same, or not.
        if (connection.request.head.expects_continue) return .close;
        const length = connection.incoming.remainder.knownLength() orelse return .close;
        return if (length <= limits.discarded) .keep else .close;
    }

    fn write(connection: *Connection, response: response_module.Response) void {
        connection.state = .writing;
        if (!connection.channel.isOpen()) {
            if (response.body == .file) posix.close(response.body.file.fd);
            connection.state = .finishing;
            return;
        }
        var buffer: [response_module.max_head]u8 = undefined;
        const date = connection.server.date.get(connection.loop().now);
        const head = response_module.writeHead(&buffer, &response, connection.persistence, date);
        var body = response.body;
        if (connection.request.isHead()) {
            if (body == .file) posix.close(body.file.fd);
            body = .none;
        }
        connection.wrote(connection.output.start(connection.channel.fd, head, body, connection.request.allocator()));
    }

    fn goOnWriting(connection: *Connection) bool {
        if (!connection.channel.writable) return false;
        connection.wrote(connection.output.@"continue"(connection.channel.fd));
        return connection.state != .writing;
    }

    fn wrote(connection: *Connection, outcome: output_module.Output.Error!output_module.Output.Progress) void {
        const progress = outcome catch {
            // Half an answer must not look whole, so nothing may follow it.
            connection.persistence = .close;
            connection.disconnect();
            connection.state = .finishing;
            return;
        };
        switch (progress) {
            .done => connection.state = .finishing,
            .blocked => {
                connection.channel.writable = false;
                connection.loop().startTimer(&connection.timer, limits.write);
            },
        }
    }

    fn finish(connection: *Connection) bool {
        connection.loop().stopTimer(&connection.timer);
        connection.server.logRequest(&connection.request, connection.status);
        connection.request.head = .empty;
        connection.incoming.release();
        connection.output.release();
        _ = connection.request.arena.reset(.{ .retain_with_limit = limits.kept_memory });
        if (!connection.channel.isOpen()) {
            connection.close();
            return false;
        }
        if (connection.persistence == .keep) {
            if (connection.incoming.remainder.isComplete()) {
                connection.awaitHead();
            } else {
                connection.state = .discarding;
            }
        } else if (connection.incoming.remainder.isComplete() and connection.incoming.isEmpty()) {
            connection.close();
        } else {
            connection.startLingering();
        }
        return true;
    }

    /// Answers what is no request, or no longer one, and ends the connection.
    fn refuse(connection: *Connection, status: u16) void {
        if (!connection.channel.isOpen()) return connection.close();
        connection.loop().stopTimer(&connection.timer);
        var buffer: [response_module.max_head]u8 = undefined;
        const date = connection.server.date.get(connection.loop().now);
        const response: response_module.Response = .{ .status = status, .body = .{ .kept = "" } };
        const head = response_module.writeHead(&buffer, &response, .close, date);
        // If the socket doesn't take it, the client doesn't read answers anyway.
        _ = socket.write(connection.channel.fd, head, .last) catch 0;
        if (connection.state == .handling) connection.server.logRequest(&connection.request, status);
        connection.startLingering();
    }

    // The end.

    fn startLingering(connection: *Connection) void {
        connection.state = .lingering;
        socket.shutdownWrite(connection.channel.fd);
        connection.loop().startTimer(&connection.timer, limits.linger);
        connection.advance();
    }

    fn linger(connection: *Connection) bool {
        const length = connection.channel.read(&connection.loop().scratch) catch {
            connection.fail();
            return false;
        };
        connection.lingered += length orelse return false;
        if (connection.lingered < limits.lingered) return true;
        connection.state = .parting;
        connection.loop().startTimer(&connection.timer, limits.parting);
        return false;
    }

    /// Closes the connection for the end of the process: at once where nothing
    /// was asked, else behind the answer.
    pub fn drain(connection: *Connection) void {
        if (connection.state != .head) return;
        connection.channel.readable = true; // look again: it may just have arrived
        connection.advance();
        if (connection.state != .head or !connection.incoming.isEmpty()) return;
        if (connection.served) return connection.close();
        connection.loop().startTimer(&connection.timer, limits.grace);
    }

    /// Ends the connection now, whatever is in flight.
    pub fn cutOff(connection: *Connection) void {
        connection.fail();
    }

    /// The connection has failed, or the client has gone.
    fn fail(connection: *Connection) void {
        if (connection.state == .handling and connection.sink == null) {
            // The application will answer, and finds nobody.
            return connection.disconnect();
        }
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
        connection.server.unlink(connection);
        connection.loop().later(&connection.task);
    }
};
