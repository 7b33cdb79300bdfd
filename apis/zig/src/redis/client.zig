//! Redis as one loop uses it: one connection, on which the commands of all its
//! requests follow each other without waiting. Those of one turn of the loop go
//! out together. A command that isn't answered within 50 ms has failed; then, or
//! where the connection fails, Redis is passed over for a moment.

const std = @import("std");
const address = @import("../event/address.zig");
const loop_module = @import("../event/loop.zig");
const resp = @import("resp.zig");
const socket = @import("../event/socket.zig");
const Stream = @import("../event/stream.zig").Stream;

const command_limit: loop_module.Delay = .ms_50;

/// Below the second that the contract allows, so that what is back is found.
const pause: loop_module.Delay = .ms_500;

pub const Settings = struct {
    host: address.Host,
    user: []const u8,
    password: []const u8,
    number: u32,
};

pub const Outcome = union(enum) {
    reply: resp.Reply,
    /// There is none; says why.
    failed: []const u8,
};

/// A command in flight, embedded in what waits for its reply.
pub const Command = struct {
    /// Called once. A reply is there during the call only.
    done: *const fn (*Command, Outcome) void,
    timer: loop_module.Timer = .{ .expired = Client.onTooLate },
    client: *Client = undefined,
    sequence: u64 = 0,
};

pub const Client = struct {
    loop: *loop_module.Loop,
    settings: *const Settings,
    resolver: *address.Resolver,
    allocator: std.mem.Allocator,
    /// Called where Redis can't be used.
    failed: *const fn (*Client, []const u8) void,

    source: loop_module.Source = .{ .ready = onReady },
    flush_task: loop_module.Task = .{ .run = onFlush },
    refusal: loop_module.Task = .{ .run = onRefused },
    flush_is_due: bool = false,
    /// Runs while Redis is passed over.
    pause_timer: loop_module.Timer = .{ .expired = onPauseOver },
    /// Bounds how long the connection takes to be made.
    timer: loop_module.Timer = .{ .expired = onTooSlow },
    lookup: address.Lookup = undefined,
    state: State = .closed,
    stream: Stream = .{ .usual_size = 64 << 10 },
    /// What the reply at the front needs, as far as that is known.
    needed: usize = 0,
    /// Replies to the handshake that are still to come.
    greetings: u8 = 0,
    pending: Pending = .{},

    const State = enum { closed, resolving, connecting, greeting, open };

    const Error = socket.Error || Stream.Error || resp.Error || error{Refused};

    /// Releases all memory. Nothing may be in flight.
    pub fn deinit(client: *Client) void {
        client.stream.deinit(client.allocator);
        client.loop.stopTimer(&client.timer);
        client.loop.stopTimer(&client.pause_timer);
        client.allocator.free(client.pending.ring);
    }

    /// Sends a command. Its outcome may be there before this returns.
    pub fn send(client: *Client, command: *Command, arguments: []const []const u8) void {
        if (client.pause_timer.isRunning()) return command.done(command, .{ .failed = "Redis is passed over" });
        client.sendAnyway(command, arguments);
    }

    /// Sends a command though Redis may be passed over at the moment.
    pub fn sendAnyway(client: *Client, command: *Command, arguments: []const []const u8) void {
        const length = client.stream.output.items.len;
        client.enqueue(command, arguments) catch {
            client.stream.output.shrinkRetainingCapacity(length);
            return command.done(command, .{ .failed = "no memory is left" });
        };
        client.loop.startTimer(&command.timer, command_limit);
        if (client.state == .closed) client.open();
        if (!client.flush_is_due) {
            client.flush_is_due = true;
            client.loop.later(&client.flush_task);
        }
    }

    fn enqueue(client: *Client, command: *Command, arguments: []const []const u8) !void {
        try resp.writeCommand(&client.stream.output, client.allocator, arguments);
        command.client = client;
        command.sequence = try client.pending.push(client.allocator, command);
    }

    fn onTooLate(timer: *loop_module.Timer) void {
        const command: *Command = @fieldParentPtr("timer", timer);
        const client = command.client;
        client.pending.forget(command.sequence);
        command.done(command, .{ .failed = "Redis hasn't answered in time" });
        // Whatever comes behind would be as late, and what is not sent yet would
        // come to be done when nobody knows what it was for.
        client.fail("Redis hasn't answered in time");
    }

    // Making the connection.

    fn open(client: *Client) void {
        client.loop.startTimer(&client.timer, .s_1);
        client.lookup = .{ .task = .{ .run = onResolved }, .loop = client.loop, .host = client.settings.host };
        switch (client.settings.host) {
            .literal => |literal| client.connect(literal),
            .name => {
                client.state = .resolving;
                client.resolver.submit(&client.lookup) catch client.refuse();
            },
        }
    }

    fn onResolved(task: *loop_module.Task) void {
        const lookup: *address.Lookup = @fieldParentPtr("task", task);
        const client: *Client = @fieldParentPtr("lookup", lookup);
        // Before what fails may send another command: that begins a new look-up.
        client.state = .closed;
        const found = lookup.outcome orelse return client.fail("the host of Redis has no address");
        client.connect(found);
    }

    fn connect(client: *Client, to: std.net.Address) void {
        client.stream.channel.connect(to) catch return client.refuse();
        client.state = .connecting;
        client.stream.channel.attach(client.loop, &client.source) catch client.refuse();
    }

    /// Fails, but not within the call that sends a command.
    fn refuse(client: *Client) void {
        client.state = .connecting;
        client.loop.later(&client.refusal);
    }

    fn onRefused(task: *loop_module.Task) void {
        const client: *Client = @fieldParentPtr("refusal", task);
        client.fail("Redis can't be reached");
    }

    fn onTooSlow(timer: *loop_module.Timer) void {
        const client: *Client = @fieldParentPtr("timer", timer);
        client.fail("Redis can't be reached in time");
    }

    fn onPauseOver(_: *loop_module.Timer) void {}

    /// Authenticates and chooses the database. Commands wait until both are done.
    fn greet(client: *Client) Error!void {
        if (!client.stream.channel.isConnected()) return error.Disconnected;
        var greeting: resp.Buffer = .empty;
        defer greeting.deinit(client.allocator);
        const settings = client.settings;
        client.greetings = 0;
        if (settings.user.len != 0) {
            try resp.writeCommand(&greeting, client.allocator, &.{ "AUTH", settings.user, settings.password });
            client.greetings += 1;
        } else if (settings.password.len != 0) {
            try resp.writeCommand(&greeting, client.allocator, &.{ "AUTH", settings.password });
            client.greetings += 1;
        }
        if (settings.number != 0) {
            var digits: [10]u8 = undefined;
            const length = std.fmt.formatIntBuf(&digits, settings.number, 10, .lower, .{});
            try resp.writeCommand(&greeting, client.allocator, &.{ "SELECT", digits[0..length] });
            client.greetings += 1;
        }
        client.state = .greeting;
        if (client.greetings == 0) return client.becomeOpen();
        // Past the output, which has the commands that wait; a new connection
        // takes so little as a whole.
        const sent = try socket.write(client.stream.channel.fd, greeting.items, .last);
        if (sent != greeting.items.len) return error.Disconnected;
    }

    fn becomeOpen(client: *Client) void {
        client.state = .open;
        client.loop.stopTimer(&client.timer);
        client.loop.stopTimer(&client.pause_timer);
    }

    // Talking.

    fn onFlush(task: *loop_module.Task) void {
        const client: *Client = @fieldParentPtr("flush_task", task);
        client.flush_is_due = false;
        client.flush() catch client.fail("Redis has ended the connection");
    }

    fn onReady(source: *loop_module.Source, _: *loop_module.Loop, ready: loop_module.Ready) void {
        const client: *Client = @fieldParentPtr("source", source);
        if (client.state == .closed) return;
        client.stream.channel.notice(ready);
        client.progress() catch |failure| client.fail(switch (failure) {
            error.Malformed => "Redis has sent what is not of its protocol",
            error.Refused => "Redis refuses the credentials or the database",
            error.OutOfMemory => "no memory is left",
            else => "Redis has ended the connection",
        });
    }

    fn progress(client: *Client) Error!void {
        if (client.state == .connecting) {
            if (!client.stream.channel.writable) return;
            try client.greet();
        }
        try client.flush();
        while (client.state != .closed and try client.stream.receive(client.allocator, client.needed)) {
            try client.takeReplies();
            try client.flush();
        }
    }

    fn flush(client: *Client) Error!void {
        if (client.state == .open) try client.stream.flush(client.allocator);
    }

    fn takeReplies(client: *Client) Error!void {
        while (client.state != .closed) {
            const content = client.stream.received();
            client.needed = 0;
            if (content.len == 0) return;
            switch (try resp.parse(content)) {
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
            if (reply == .failure) return error.Refused;
            client.greetings -= 1;
            if (client.greetings == 0) client.becomeOpen();
            return;
        }
        if (client.pending.isEmpty()) return error.Malformed;
        const command = client.pending.pop() orelse return; // it was too late
        client.loop.stopTimer(&command.timer);
        if (reply == .failure) {
            client.failed(client, reply.failure);
            command.done(command, .{ .failed = "Redis refuses the command" });
        } else {
            command.done(command, .{ .reply = reply });
        }
    }

    // The end.

    /// Closes the connection, fails what is in flight, and passes Redis over.
    fn fail(client: *Client, reason: []const u8) void {
        client.stream.close(client.allocator);
        // A look-up can't be stopped, and ends by itself.
        if (client.state != .resolving) client.state = .closed;
        client.needed = 0;
        client.loop.stopTimer(&client.timer);
        client.loop.startTimer(&client.pause_timer, pause);
        client.failed(client, reason);
        // Whoever fails may send another command, to a connection of its own.
        var count = client.pending.count();
        while (count > 0) : (count -= 1) {
            const command = client.pending.pop() orelse continue;
            client.loop.stopTimer(&command.timer);
            command.done(command, .{ .failed = reason });
        }
    }
};

/// The commands in flight, in their order; null where one was given up.
const Pending = struct {
    ring: []?*Command = &.{},
    first: u64 = 0,
    end: u64 = 0,

    fn count(pending: *const Pending) u64 {
        return pending.end - pending.first;
    }

    fn isEmpty(pending: *const Pending) bool {
        return pending.first == pending.end;
    }

    fn push(pending: *Pending, allocator: std.mem.Allocator, command: *Command) !u64 {
        if (pending.count() == pending.ring.len) try pending.grow(allocator);
        const sequence = pending.end;
        pending.slot(sequence).* = command;
        pending.end += 1;
        return sequence;
    }

    fn pop(pending: *Pending) ?*Command {
        const command = pending.slot(pending.first).*;
        pending.first += 1;
        return command;
    }

    fn forget(pending: *Pending, sequence: u64) void {
        pending.slot(sequence).* = null;
    }

    /// The ring's length is a power of two.
    fn slot(pending: *Pending, sequence: u64) *?*Command {
        return &pending.ring[@intCast(sequence & (pending.ring.len - 1))];
    }

    fn grow(pending: *Pending, allocator: std.mem.Allocator) !void {
        const ring = try allocator.alloc(?*Command, @max(64, pending.ring.len * 2));
        var sequence = pending.first;
        while (sequence != pending.end) : (sequence += 1) {
            ring[@intCast(sequence & (ring.len - 1))] = pending.slot(sequence).*;
        }
        allocator.free(pending.ring);
        pending.ring = ring;
    }
};
