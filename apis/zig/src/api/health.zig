//! Whether the process answers, and whether what it needs does.

const std = @import("std");
const call_module = @import("call.zig");
const statements = @import("statements.zig");

const Call = call_module.Call;

/// GET /healthz.
pub fn alive(call: *Call) !void {
    call.jsonText(.ok, "", .{ .kept = "{\"status\":\"ok\"}" });
}

const State = enum { up, down };

/// GET /readyz.
pub fn ready(call: *Call) !void {
    call.tryExecute(&statements.ready, &.{}, onPostgres);
}

fn onPostgres(call: *Call, outcome: call_module.Outcome) !void {
    switch (outcome) {
        .done => {},
        .unavailable, .lost => |cause| call.logUnavailable(.postgres, cause.constSlice()),
        .refused => |failure| call.logUnavailable(.postgres, failure.text.constSlice()),
    }
    try call.keep(@as(State, if (outcome == .done) .up else .down));
    call.ask(&.{"PING"}, onRedis);
}

fn onRedis(call: *Call, pong: ?[]const u8) !void {
    const postgres = call.get(State).*;
    const redis: State = if (pong != null) .up else .down;
    if (redis == .down) call.logUnavailable(.redis, "it doesn't answer");
    const status: std.http.Status = if (postgres == .up and redis == .up) .ok else .service_unavailable;
    try call.json(status, "", .{ .postgres = postgres, .redis = redis });
}
