//! Registration, login, and reading users.

const std = @import("std");
const Call = @import("call.zig").Call;
const hasher = @import("hasher.zig");
const Rows = @import("call.zig").Rows;
const statements = @import("statements.zig");
const token = @import("token.zig");
const validate = @import("validate.zig");

const Registration = struct {
    username: []const u8,
    email: []const u8,
    password: []const u8,

    pub const rules = .{ .username = validate.username, .email = validate.email, .password = validate.password };
};

/// POST /api/users.
pub fn register(call: *Call) !void {
    try call.readJson(Registration, hashPassword);
}

fn hashPassword(call: *Call, input: *Registration) !void {
    input.email = try std.ascii.allocLowerString(call.allocator(), input.email);
    call.hash(input.password, null, insertUser);
}

fn insertUser(call: *Call, outcome: hasher.Job.Outcome) !void {
    const input = call.get(Registration);
    const hash = try call.allocator().dupe(u8, &outcome.created);
    call.execute(&statements.insert_user, &.{ .{ .text = input.username }, .{ .text = input.email }, .{ .text = hash } }, showNewUser);
}

fn showNewUser(call: *Call, rows: *Rows) !void {
    const input = call.get(Registration);
    const user = try rows.next(statements.NewUser) orelse return error.NoRow;
    const location = try std.fmt.allocPrint(call.allocator(), "Location: /api/users/{d}\r\n", .{user.id});
    const account: statements.Account = .{ .id = user.id, .username = input.username, .email = input.email, .created_at = user.created_at };
    try call.json(.created, location, account);
}

const Credentials = struct {
    email: []const u8,
    password: []const u8,

    pub const rules = .{ .email = validate.email, .password = validate.password };
};

/// POST /api/auth/login.
pub fn login(call: *Call) !void {
    try call.readJson(Credentials, findUser);
}

fn findUser(call: *Call, input: *Credentials) !void {
    const email = try std.ascii.allocLowerString(call.allocator(), input.email);
    call.execute(&statements.user_by_email, &.{.{ .text = email }}, verifyPassword);
}

fn verifyPassword(call: *Call, rows: *Rows) !void {
    const input = call.get(Credentials);
    var stored: []const u8 = &hasher.decoy; // an unknown email takes as long as a wrong password
    call.caller = .{ .id = 0, .name = "" };
    if (try rows.next(statements.Login)) |user| {
        call.caller = .{ .id = user.id, .name = try call.allocator().dupe(u8, user.username) };
        stored = try call.allocator().dupe(u8, user.password_hash);
    }
    call.hash(input.password, stored, issueToken);
}

fn issueToken(call: *Call, outcome: hasher.Job.Outcome) !void {
    if (!outcome.verified or call.caller.id == 0) return error.WrongPassword;
    const access_token = try call.api.tokens.issue(call.allocator(), call.caller, std.time.timestamp());
    try call.json(.ok, "", .{ .access_token = access_token, .token_type = "Bearer", .expires_in = token.lifetime });
}

/// GET /api/users/me.
pub fn showMe(call: *Call) !void {
    call.execute(&statements.account_by_id, &.{.{ .integer = call.caller.id }}, onAccount);
}

fn onAccount(call: *Call, rows: *Rows) !void {
    try call.json(.ok, "", try rows.next(statements.Account) orelse return error.InvalidToken);
}

/// GET /api/users/{id}.
pub fn show(call: *Call) !void {
    call.execute(&statements.user_by_id, &.{.{ .integer = call.id }}, onUser);
}

fn onUser(call: *Call, rows: *Rows) !void {
    try call.json(.ok, "", try rows.next(statements.User) orelse return error.NoSuchUser);
}
