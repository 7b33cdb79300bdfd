//! Redis as one loop uses it: one connection, on which the commands of all its
//! requests follow each other without waiting. Those of one turn of the loop go
//! out in one write. When a command isn't answered in time, or the connection
//! fails, Redis is passed over for a moment.

const std = @import("std");
const dialer_module = @import("../event/dialer.zig");
const log = @import("../log.zig");
const loop_module = @import("../event/loop.zig");
const resp = @import("resp.zig");
const Stream = @import("../event/stream.zig").Stream;

const connect_limit: loop_module.Delay = .s_1;
const pause: loop_module.Delay = .ms_500;

pub const Settings = struct {
    host: *dialer_module.Host,
    user: []const u8,
    password: []const u8,
    database: u32,
    /// How long a command may take.
    limit: loop_module.Delay = .ms_100,
};

/// A command in flight, embedded in what waits for its reply.
pub const Command = struct {
    /// Called once; null: there is no reply. It is there during the call only.
    done: *const fn (*Command, ?resp.Reply) void,
    /// Also sent while Redis is passed over.
    is_urgent: bool = false,
    client: *Client = undefined,
    timer: loop_module.Timer = .{ .expired = Client.onTooLate },
    node: loop_module.List.Node = .{ .data = {} },
};

pub const Client = struct {
    loop: *loop_module.Loop,
    settings: *const Settings,
    allocator: std.mem.Allocator,

    source: loop_module.Source = .{ .ready = onReady },
    flush_task: loop_module.Task = .{ .run = onFlush },
    flush_is_due: bool = false,
    dialer: dialer_module.Dialer,
    /// Runs while Redis is passed over.
    pause_timer: loop_module.Timer = .{ .expired = onPauseOver },
    state: enum { closed, connecting, greeting, open } = .closed,
    stream: Stream = .{ .usual_size = 64 << 10 },
    /// Bytes that the reply at the front needs, as far as known.
    needed: usize = 0,
    /// Replies to the handshake that are still to come.
    greetings: u8 = 0,
    /// Commands without a reply yet, in their order.
    pending: loop_module.List = .{},

    const Error = Stream.Error || resp.Error || error{ Refused, ConnectionRefused };

    var limiter: log.Limiter = .{};

    pub fn init(loop: *loop_module.Loop, settings: *const Settings, allocator: std.mem.Allocator) Client {
        return .{
            .loop = loop,
            .settings = settings,
            .allocator = allocator,
            .dialer = .{ .host = settings.host, .failed = onDialFailed },
        };
    }

    /// Releases all memory. Nothing may be in flight.
    pub fn deinit(client: *Client) void {
        client.stream.deinit(client.allocator);
        client.dialer.stop(client.loop);
        client.loop.stopTimer(&client.pause_timer);
    }

    /// Sends a command. It may be done before this returns.
    pub fn send(client: *Client, command: *Command, arguments: []const []const u8) void {
        if (client.pause_timer.isRunning() and !command.is_urgent) return command.done(command, null);
        const length = client.stream.output.items.len;
        resp.writeCommand(&client.stream.output, client.allocator, arguments) catch {
            client.stream.output.shrinkRetainingCapacity(length);
            return command.done(command, null);
        };
        command.client = client;
        client.pending.append(&command.node);
        client.loop.startTimer(&command.timer, client.settings.limit);
        if (client.state == .closed) {
            client.state = .connecting;
            client.dialer.start(client.loop, &client.stream.channel, &client.source, connect_limit);
        }
        if (!client.flush_is_due) {
            client.flush_is_due = true;
            client.loop.later(&client.flush_task);
        }
    }

    /// Whatever is behind the command would be as late, and what isn't sent yet
    /// would be done when nobody waits for it any more.
    fn onTooLate(timer: *loop_module.Timer) void {
        const command: *Command = @fieldParentPtr("timer", timer);
        command.client.fail("it hasn't answered in time");
    }

    fn onDialFailed(dialer: *dialer_module.Dialer, reason: []const u8) void {
        const client: *Client = @fieldParentPtr("dialer", dialer);
        client.fail(reason);
    }

    fn onPauseOver(_: *loop_module.Timer) void {}

    /// Authenticates and chooses the database, in front of the commands that wait.
    fn greet(client: *Client) Error!void {
        try client.stream.channel.expectConnected();
        var greeting: resp.Buffer = .empty;
        defer greeting.deinit(client.allocator);
        const settings = client.settings;
        client.greetings = 0;
        if (settings.password.len != 0) {
            // The default user has no name in the older form of the command.
            const arguments = [_][]const u8{ "AUTH", settings.user, settings.password };
            const without_user = [_][]const u8{ "AUTH", settings.password };
            try resp.writeCommand(&greeting, client.allocator, if (settings.user.len != 0) &arguments else &without_user);
            client.greetings += 1;
        }
        if (settings.database != 0) {
            var digits: [10]u8 = undefined;
            const number = std.fmt.bufPrint(&digits, "{d}", .{settings.database}) catch unreachable; // it has at most ten
            try resp.writeCommand(&greeting, client.allocator, &.{ "SELECT", number });
            client.greetings += 1;
        }
        client.state = .greeting;
        if (client.greetings == 0) return client.becomeOpen();
        // Past the output, whose commands must not reach another database. A new
        // connection takes so little as a whole.
        const sent = try client.stream.channel.write(greeting.items, "", false);
        if (sent != greeting.items.len) return error.Disconnected;
    }

    fn becomeOpen(client: *Client) void {
        client.state = .open;
        client.dialer.stop(client.loop);
    }

    fn onFlush(task: *loop_module.Task) void {
        const client: *Client = @fieldParentPtr("flush_task", task);
        client.flush_is_due = false;
        client.flush() catch |failure| client.failWith(failure);
    }

    fn onReady(source: *loop_module.Source, _: *loop_module.Loop, ready: loop_module.Ready) void {
        const client: *Client = @fieldParentPtr("source", source);
        if (client.state == .closed) return;
        client.stream.channel.notice(ready);
        client.progress() catch |failure| client.failWith(failure);
    }

    fn progress(client: *Client) Error!void {
        if (client.state == .connecting) {
            if (!client.stream.channel.writable) return;
            try client.greet();
        }
        try client.flush();
        while (try client.stream.receive(client.allocator, client.needed)) {
            try client.takeReplies();
            try client.flush();
        }
    }

    fn flush(client: *Client) Error!void {
        if (client.state == .open) try client.stream.flush(client.allocator);
    }

    fn takeReplies(client: *Client) Error!void {
        while (true) {
            client.needed = 0;
            switch (try resp.parse(client.stream.received())) {
                .needs => |length| {
                    client.needed = length;
                    return;
                },
                .parsed => |parsed| {
                    client.stream.consume(parsed.length);
                    try client.takeReply(parsed.reply);
                },
            }
        }
    }

    fn takeReply(client: *Client, reply: resp.Reply) Error!void {
        if (client.state == .greeting) {
            if (reply == .failure) {
                warnRefused(reply.failure);
                return error.Refused;
            }
            client.greetings -= 1;
            if (client.greetings == 0) client.becomeOpen();
            return;
        }
        const command = client.pop(&client.pending) orelse return error.Malformed;
        if (reply == .failure) warnRefused(reply.failure);
        command.done(command, if (reply == .failure) null else reply);
    }

    fn pop(client: *Client, commands: *loop_module.List) ?*Command {
        const node = commands.popFirst() orelse return null;
        const command: *Command = @fieldParentPtr("node", node);
        client.loop.stopTimer(&command.timer);
        return command;
    }

    fn failWith(client: *Client, failure: Error) void {
        client.fail(switch (failure) {
            error.Malformed => "it has sent what isn't of its protocol",
            error.Refused => "it refuses the password or the database",
            error.OutOfMemory => "no memory is left",
            error.ConnectionRefused => dialer_module.refused_reason,
            error.Disconnected => if (client.state == .connecting) dialer_module.unreachable_reason else "it has ended the connection",
        });
    }

    /// Closes the connection, fails what is in flight, and passes Redis over.
    fn fail(client: *Client, reason: []const u8) void {
        client.stream.close(client.allocator);
        client.state = .closed;
        client.needed = 0;
        client.dialer.giveUp(client.loop);
        client.loop.startTimer(&client.pause_timer, pause);
        warn(reason);
        // A command that is sent again in the meantime is for the next connection.
        var failed = client.pending;
        client.pending = .{};
        while (client.pop(&failed)) |command| command.done(command, null);
    }

    /// What Redis says, up to what it quotes: the arguments of a command that it
    /// doesn't know may be a secret.
    fn warnRefused(text: []const u8) void {
        warn(std.mem.sliceTo(text, '\''));
    }

    fn warn(reason: []const u8) void {
        if (limiter.allows()) std.log.warn("Redis: {s}", .{reason});
    }
};
