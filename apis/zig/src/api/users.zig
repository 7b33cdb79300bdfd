//! Registration, login, and reading users.

const std = @import("std");
const Api = @import("api.zig").Api;
const fields = @import("fields.zig");
const hasher = @import("../password/hasher.zig");
const json = @import("../json/writer.zig");
const json_body = @import("json_body.zig");
const loop_module = @import("../event/loop.zig");
const message = @import("../postgres/message.zig");
const problem = @import("problem.zig");
const query_module = @import("../postgres/query.zig");
const Request = @import("../http/request.zig").Request;
const statements = @import("statements.zig");
const token_module = @import("../token/token.zig");
const view = @import("view.zig");

const JsonBody = json_body.JsonBody;
const Query = query_module.Query;

/// POST /api/users.
pub const Registration = struct {
    api: *Api,
    request: *Request,
    fields: [3]json_body.Field = .{
        .{ .name = "username", .rule = fields.username },
        .{ .name = "email", .rule = fields.email },
        .{ .name = "password", .rule = fields.password },
    },
    body: JsonBody,
    job: hasher.Job = undefined,
    email: []const u8 = "",
    hash: [@sizeOf(@TypeOf(hasher.decoy))]u8 = undefined,
    query: Query = undefined,
    id: i64 = 0,
    created_at: u64 = 0,

    pub fn start(api: *Api, request: *Request) std.mem.Allocator.Error!void {
        const registration = try request.allocator().create(Registration);
        registration.* = .{ .api = api, .request = request, .body = undefined };
        registration.body = .init(api, request, &registration.fields, onAccepted);
        registration.body.read();
    }

    fn onAccepted(body: *JsonBody) void {
        const registration: *Registration = @fieldParentPtr("body", body);
        registration.email = std.ascii.allocLowerString(registration.request.allocator(), registration.fields[1].value) catch
            return registration.api.outOfMemory(registration.request);
        registration.job = .{
            .task = .{ .run = onHashed },
            .loop = registration.api.loop,
            .password = registration.fields[2].value,
            .work = .{ .create = error.NotComputed },
        };
        registration.api.hasher.submit(&registration.job);
    }

    fn onHashed(task: *loop_module.Task) void {
        const job: *hasher.Job = @fieldParentPtr("task", task);
        const registration: *Registration = @fieldParentPtr("job", job);
        registration.hash = job.work.create catch return registration.api.internal(registration.request, "the password can't be hashed");
        const parameters = [_]message.Parameter{
            .{ .text = registration.fields[0].value },
            .{ .text = registration.email },
            .{ .text = &registration.hash },
        };
        registration.query = .init(&statements.insert_user, &parameters, onRow, onInserted);
        registration.api.postgres.execute(&registration.query);
    }

    fn onRow(query: *Query, row: *message.Row) message.Error!void {
        const registration: *Registration = @fieldParentPtr("query", query);
        registration.id = try row.integer();
        registration.created_at = try row.time();
    }

    fn onInserted(query: *Query, outcome: query_module.Outcome) void {
        const registration: *Registration = @fieldParentPtr("query", query);
        const request = registration.request;
        switch (outcome) {
            .done => |rows| if (rows == 1) return registration.answer() catch registration.api.outOfMemory(request),
            .failed => |failure| {
                if (statements.isUniqueViolation(&failure, "users_username_key")) return problem.username_taken.answer(request);
                if (statements.isUniqueViolation(&failure, "users_email_key")) return problem.email_taken.answer(request);
            },
            else => {},
        }
        registration.api.statementFailed(request, outcome);
    }

    fn answer(registration: *Registration) std.mem.Allocator.Error!void {
        const allocator = registration.request.allocator();
        const username = registration.fields[0].value;
        var body: json.Buffer = .empty;
        try view.user(&body, allocator, registration.id, username, registration.email, registration.created_at);
        registration.request.respond(.{
            .status = 201,
            .fields = try std.fmt.allocPrint(allocator, "Location: /api/users/{d}\r\n", .{registration.id}),
            .content_type = "application/json",
            .body = .{ .kept = body.items },
        });
    }
};

/// POST /api/auth/login.
pub const Login = struct {
    api: *Api,
    request: *Request,
    fields: [2]json_body.Field = .{
        .{ .name = "email", .rule = fields.email },
        .{ .name = "password", .rule = fields.password },
    },
    body: JsonBody,
    query: Query = undefined,
    /// Null: there is no such user.
    user: ?User = null,
    out_of_memory: bool = false,
    job: hasher.Job = undefined,

    const User = struct { id: i64, name: []const u8, hash: []const u8 };

    pub fn start(api: *Api, request: *Request) std.mem.Allocator.Error!void {
        const login = try request.allocator().create(Login);
        login.* = .{ .api = api, .request = request, .body = undefined };
        login.body = .init(api, request, &login.fields, onAccepted);
        login.body.read();
    }

    fn onAccepted(body: *JsonBody) void {
        const login: *Login = @fieldParentPtr("body", body);
        const email = std.ascii.allocLowerString(login.request.allocator(), login.fields[0].value) catch
            return login.api.outOfMemory(login.request);
        login.query = .init(&statements.user_by_email, &.{.{ .text = email }}, onRow, onFound);
        login.api.postgres.execute(&login.query);
    }

    fn onRow(query: *Query, row: *message.Row) message.Error!void {
        const login: *Login = @fieldParentPtr("query", query);
        const id = try row.integer();
        const name = try row.text();
        const hash = try row.text();
        const allocator = login.request.allocator();
        login.user = .{
            .id = id,
            .name = allocator.dupe(u8, name) catch return login.lacksMemory(),
            .hash = allocator.dupe(u8, hash) catch return login.lacksMemory(),
        };
    }

    fn lacksMemory(login: *Login) void {
        login.out_of_memory = true;
    }

    fn onFound(query: *Query, outcome: query_module.Outcome) void {
        const login: *Login = @fieldParentPtr("query", query);
        if (outcome != .done) return login.api.statementFailed(login.request, outcome);
        if (login.out_of_memory) return login.api.outOfMemory(login.request);
        login.job = .{
            .task = .{ .run = onVerified },
            .loop = login.api.loop,
            .password = login.fields[1].value,
            .work = .{ .verify = .{ .stored = if (login.user) |user| user.hash else &hasher.decoy } },
        };
        login.api.hasher.submit(&login.job);
    }

    fn onVerified(task: *loop_module.Task) void {
        const job: *hasher.Job = @fieldParentPtr("task", task);
        const login: *Login = @fieldParentPtr("job", job);
        const right = job.work.verify.outcome catch return login.api.internal(login.request, "the stored hash can't be verified");
        const user = login.user orelse return problem.bad_login.answer(login.request);
        if (!right) return problem.bad_login.answer(login.request);
        login.answer(.{ .id = user.id, .name = user.name }) catch login.api.outOfMemory(login.request);
    }

    fn answer(login: *Login, user: token_module.User) std.mem.Allocator.Error!void {
        const allocator = login.request.allocator();
        const token = try login.api.tokens.issue(user, std.time.timestamp(), allocator);
        const body = try std.fmt.allocPrint(
            allocator,
            "{{\"access_token\":\"{s}\",\"token_type\":\"Bearer\",\"expires_in\":{d}}}",
            .{ token, token_module.lifetime },
        );
        login.request.respond(.{ .status = 200, .content_type = "application/json", .body = .{ .kept = body } });
    }
};

/// GET /api/users/me and GET /api/users/{id}.
pub const Reading = struct {
    api: *Api,
    request: *Request,
    query: Query,
    /// The user reads themselves.
    is_me: bool,
    body: json.Buffer = .empty,
    out_of_memory: bool = false,

    pub fn startMe(api: *Api, request: *Request, caller: token_module.User) std.mem.Allocator.Error!void {
        return begin(api, request, caller.id, true);
    }

    pub fn start(api: *Api, request: *Request, id: i64) std.mem.Allocator.Error!void {
        return begin(api, request, id, false);
    }

    fn begin(api: *Api, request: *Request, id: i64, is_me: bool) std.mem.Allocator.Error!void {
        const reading = try request.allocator().create(Reading);
        reading.* = .{
            .api = api,
            .request = request,
            .query = .init(&statements.user_by_id, &.{.{ .integer = id }}, onRow, onFound),
            .is_me = is_me,
        };
        api.postgres.execute(&reading.query);
    }

    fn onRow(query: *Query, row: *message.Row) message.Error!void {
        const reading: *Reading = @fieldParentPtr("query", query);
        const id = try row.integer();
        const username = try row.text();
        const email = try row.text();
        const created_at = try row.time();
        const shown = if (reading.is_me) email else null;
        view.user(&reading.body, reading.request.allocator(), id, username, shown, created_at) catch {
            reading.out_of_memory = true;
        };
    }

    fn onFound(query: *Query, outcome: query_module.Outcome) void {
        const reading: *Reading = @fieldParentPtr("query", query);
        if (outcome != .done) return reading.api.statementFailed(reading.request, outcome);
        if (reading.out_of_memory) return reading.api.outOfMemory(reading.request);
        if (outcome.done == 0) {
            const missing = if (reading.is_me) &problem.bad_token else &problem.no_user;
            return missing.answer(reading.request);
        }
        reading.request.respond(.{ .status = 200, .content_type = "application/json", .body = .{ .kept = reading.body.items } });
    }
};
