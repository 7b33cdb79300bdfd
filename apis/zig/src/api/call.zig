//! One request on its way through its handler.
//!
//! A handler is a chain of functions. Each one answers, or starts something that
//! takes time (a body to be read, a statement, a command of Redis, a hash) and
//! names the function that continues with the result. An error that one of them
//! returns is answered as `problem.zig` says.

const std = @import("std");
const Api = @import("api.zig").Api;
const hasher = @import("hasher.zig");
const http = @import("../http/request.zig");
const json_module = @import("../json.zig");
const log = @import("../log.zig");
const loop_module = @import("../event/loop.zig");
const message = @import("../postgres/message.zig");
const problem = @import("problem.zig");
const query_module = @import("../postgres/query.zig");
const redis = @import("../redis/client.zig");
const resp = @import("../redis/resp.zig");
const response = @import("../http/response.zig");
const token = @import("token.zig");
const validate = @import("validate.zig");

pub const Outcome = query_module.Outcome;
pub const Parameter = message.Parameter;
pub const Rows = message.Rows;
pub const cut = message.cut;

const max_json = 64 << 10;
/// Bytes that a loop keeps for the next answer.
const max_kept_text = 256 << 10;

pub const Call = struct {
    api: *Api,
    request: *http.Request,
    /// Of the path.
    id: i64 = 0,
    /// Whom the access token speaks for; a login puts the user here that it finds.
    caller: token.User = undefined,
    /// What the handler keeps from one function to the next.
    kept: *anyopaque = undefined,
    /// Of the last statement.
    outcome: Outcome = undefined,

    collector: http.Collector = undefined,
    query: query_module.Query = undefined,
    command: redis.Command = undefined,
    job: hasher.Job = undefined,

    /// What a request may need in vain.
    const Dependency = enum { postgres, redis, hasher };

    /// One each, so that none hides the cause of another.
    var limiters: std.EnumArray(Dependency, log.Limiter) = .initFill(.{});

    /// Memory that lasts until the request is answered.
    pub fn allocator(call: *Call) std.mem.Allocator {
        return call.request.allocator();
    }

    /// Keeps a value for the functions that follow.
    pub fn keep(call: *Call, value: anytype) std.mem.Allocator.Error!void {
        const copy = try call.allocator().create(@TypeOf(value));
        copy.* = value;
        call.kept = @ptrCast(copy);
    }

    /// What `keep` was given.
    pub fn get(call: *Call, Kept: type) *Kept {
        return @ptrCast(@alignCast(call.kept));
    }

    // What takes time.

    /// Reads the body, which must be a JSON object with the members of `Input`, and
    /// keeps it. `next` continues if every member keeps its rule.
    pub fn readJson(call: *Call, Input: type, comptime next: fn (*Call, *Input) anyerror!void) !void {
        if (!hasMediaType(call.request, "application/json")) return error.NotJson;
        const continuation = struct {
            fn onBody(collector: *http.Collector, body: http.Collector.Error![]const u8) void {
                const reading: *Call = @fieldParentPtr("collector", collector);
                reading.attempt(parse(reading, body));
            }

            fn parse(reading: *Call, body: http.Collector.Error![]const u8) anyerror!void {
                const text = body catch |failure| return if (failure == error.TooLarge) error.LargeJson else failure;
                var errors: validate.Errors = .{};
                const input = try validate.parseJson(Input, reading.allocator(), text, &errors);
                if (errors.len != 0) return problem.answerInvalid(reading.request, &errors);
                try reading.keep(input);
                return next(reading, reading.get(Input));
            }
        };
        call.collector = .{ .request = call.request, .limit = max_json, .finished = continuation.onBody };
        call.collector.start();
    }

    /// Executes a statement; `next` continues with its rows, which are there during
    /// its call only.
    pub fn execute(
        call: *Call,
        statement: *const query_module.Statement,
        parameters: []const Parameter,
        comptime next: fn (*Call, *Rows) anyerror!void,
    ) void {
        const continuation = struct {
            fn onOutcome(executing: *Call, outcome: Outcome) anyerror!void {
                if (outcome != .done) return executing.failStatement(outcome);
                var rows = outcome.done.rows;
                return next(executing, &rows);
            }
        };
        call.tryExecute(statement, parameters, continuation.onOutcome);
    }

    /// Executes a statement; `next` continues, whatever becomes of it.
    pub fn tryExecute(
        call: *Call,
        statement: *const query_module.Statement,
        parameters: []const Parameter,
        comptime next: fn (*Call, Outcome) anyerror!void,
    ) void {
        const continuation = struct {
            fn onDone(query: *query_module.Query, outcome: Outcome) void {
                const executing: *Call = @fieldParentPtr("query", query);
                executing.outcome = outcome;
                executing.attempt(next(executing, outcome));
            }
        };
        call.query = .init(statement, parameters, continuation.onDone);
        call.api.postgres.execute(&call.query);
    }

    /// Sends a command to Redis. `next` continues with the value, if there is one.
    pub fn ask(call: *Call, arguments: []const []const u8, comptime next: fn (*Call, ?[]const u8) anyerror!void) void {
        call.command = .{ .done = comptime onReply(next) };
        call.api.redis.send(&call.command, arguments);
    }

    /// Removes a key of Redis. It is tried in any case, since what it has isn't true any more.
    pub fn invalidate(call: *Call, key: []const u8, comptime next: fn (*Call, ?[]const u8) anyerror!void) void {
        call.command = .{ .done = comptime onReply(next), .is_urgent = true };
        call.api.redis.send(&call.command, &.{ "DEL", key });
    }

    fn onReply(comptime next: fn (*Call, ?[]const u8) anyerror!void) fn (*redis.Command, ?resp.Reply) void {
        return struct {
            fn done(command: *redis.Command, reply: ?resp.Reply) void {
                const call: *Call = @fieldParentPtr("command", command);
                const value: ?[]const u8 = if (reply) |found| switch (found) {
                    .bulk, .simple => |bytes| bytes,
                    else => null,
                } else null;
                call.attempt(next(call, value));
            }
        }.done;
    }

    /// Hashes a password, or verifies it against a stored hash.
    pub fn hash(
        call: *Call,
        password: []const u8,
        stored: ?[]const u8,
        comptime next: fn (*Call, hasher.Job.Outcome) anyerror!void,
    ) void {
        const continuation = struct {
            fn onHashed(task: *loop_module.Task) void {
                const job: *hasher.Job = @fieldParentPtr("task", task);
                const hashing: *Call = @fieldParentPtr("job", job);
                switch (job.outcome) {
                    .dropped => hashing.request.drop(),
                    .failed => |failure| hashing.fail(failure),
                    else => hashing.attempt(next(hashing, job.outcome)),
                }
            }
        };
        call.job = .{
            .task = .{ .run = continuation.onHashed },
            .loop = call.api.loop,
            .abandoned = &call.request.abandoned,
            .password = password,
            .stored = stored,
        };
        call.api.hasher.submit(&call.job) catch call.answerUnavailable(.hasher, "too many passwords wait");
    }

    // Answers.

    /// Answers with JSON. `fields` are further header lines.
    pub fn json(call: *Call, status: std.http.Status, fields: []const u8, value: anytype) !void {
        // In memory of the loop, which lasts for this call: most answers go out at once.
        const text = &call.api.text;
        if (text.capacity > max_kept_text) text.clearAndFree(call.api.memory) else text.clearRetainingCapacity();
        try json_module.write(text, call.api.memory, value);
        call.jsonText(status, fields, .{ .passing = text.items });
    }

    pub fn jsonText(call: *Call, status: std.http.Status, fields: []const u8, body: response.Body) void {
        call.request.respond(.{ .status = status, .fields = fields, .content_type = "application/json", .body = body });
    }

    pub fn attempt(call: *Call, outcome: anyerror!void) void {
        outcome catch |failure| call.fail(failure);
    }

    fn fail(call: *Call, failure: anyerror) void {
        if (problem.of(failure)) |known| return problem.answer(call.request, known);
        call.answerInternal(@errorName(failure));
    }

    /// Answers a statement that wasn't executed.
    pub fn failStatement(call: *Call, outcome: Outcome) !void {
        switch (outcome) {
            .done => unreachable,
            .unavailable, .lost => |cause| call.answerUnavailable(.postgres, cause.constSlice()),
            .refused => |failure| {
                const constraint = failure.constraint.constSlice();
                if (std.mem.eql(u8, &failure.code, "23505")) { // unique_violation
                    if (std.mem.eql(u8, constraint, "users_username_key")) return error.UsernameTaken;
                    if (std.mem.eql(u8, constraint, "users_email_key")) return error.EmailTaken;
                }
                // foreign_key_violation: the token is good, but its user isn't there.
                if (std.mem.eql(u8, &failure.code, "23503")) return error.InvalidToken;
                call.answerInternal(failure.text.constSlice());
            },
        }
    }

    fn answerInternal(call: *Call, cause: []const u8) void {
        const head = &call.request.head;
        std.log.err("{s} {s} 500: {s}", .{ head.method, head.path, cause });
        problem.answer(call.request, problem.internal);
    }

    fn answerUnavailable(call: *Call, dependency: Dependency, cause: []const u8) void {
        call.logUnavailable(dependency, cause);
        problem.answer(call.request, problem.unavailable);
    }

    pub fn logUnavailable(call: *Call, dependency: Dependency, cause: []const u8) void {
        const head = &call.request.head;
        if (!limiters.getPtr(dependency).allows()) return;
        std.log.warn("{s} {s} 503: {s}: {s}", .{ head.method, head.path, @tagName(dependency), cause });
    }
};

/// Whether the request has one Content-Type, and it is `wanted`, whatever its
/// parameters.
pub fn hasMediaType(request: *const http.Request, wanted: []const u8) bool {
    return isMediaType(request.head.get("content-type") orelse return false, wanted);
}

pub fn isMediaType(value: []const u8, wanted: []const u8) bool {
    const end = std.mem.indexOfScalar(u8, value, ';') orelse value.len;
    return std.ascii.eqlIgnoreCase(std.mem.trim(u8, value[0..end], " \t"), wanted);
}
