//! The error answers of the API: RFC 9457 problem documents.

const std = @import("std");
const json = @import("../json/writer.zig");
const Request = @import("../http/request.zig").Request;
const response = @import("../http/response.zig");

pub const media_type = "application/problem+json";

/// A problem whose text is fixed; the whole document is written at compile time.
pub const Problem = struct {
    status: u16,
    body: []const u8,
    fields: []const u8,

    fn init(comptime status: u16, comptime detail: []const u8) Problem {
        return .{
            .status = status,
            .body = start(status, detail) ++ "}",
            .fields = if (status == 401) "WWW-Authenticate: Bearer\r\n" else "",
        };
    }

    pub fn answer(problem: *const Problem, request: *Request) void {
        request.respond(.{
            .status = problem.status,
            .fields = problem.fields,
            .content_type = media_type,
            .body = .{ .kept = problem.body },
        });
    }
};

pub const bad_json: Problem = .init(400, "The request body must be a JSON object whose members have the right types and appear once.");
pub const bad_upload: Problem = .init(400, "The request body must be multipart/form-data with exactly one file, in a part named file.");
pub const bad_token: Problem = .init(401, "A valid access token is required.");
pub const bad_login: Problem = .init(401, "The email or the password is wrong.");
pub const not_owner: Problem = .init(403, "This post belongs to another user.");
pub const no_path: Problem = .init(404, "There is nothing at this path.");
pub const no_user: Problem = .init(404, "There is no such user.");
pub const no_post: Problem = .init(404, "There is no such post.");
pub const no_file: Problem = .init(404, "There is no such file.");
pub const username_taken: Problem = .init(409, "The username is taken.");
pub const email_taken: Problem = .init(409, "The email is taken.");
pub const large_json: Problem = .init(413, "The request body must be at most 65536 bytes.");
pub const large_file: Problem = .init(413, "The file must be at most 2097152 bytes.");
pub const not_json: Problem = .init(415, "The request body must be application/json.");
pub const not_multipart: Problem = .init(415, "The request body must be multipart/form-data.");
pub const bad_file_type: Problem = .init(415, "The file must be a PNG, JPEG, WebP or PDF and declared as what it is.");
pub const internal: Problem = .init(500, "An internal error occurred.");
pub const unavailable: Problem = .init(503, "The service is not available at the moment.");

const bad_method: Problem = .init(405, "This path does not take this method.");

/// Refuses a method; `allow` has the line that names the others.
pub fn answerBadMethod(request: *Request, allow: []const u8) void {
    var problem = bad_method;
    problem.fields = allow;
    problem.answer(request);
}

/// What is wrong with one field of a request.
pub const FieldError = struct { field: []const u8, message: []const u8 };

/// Answers with the fields that break a rule.
pub fn answerInvalid(request: *Request, errors: []const FieldError) std.mem.Allocator.Error!void {
    const allocator = request.allocator();
    var body: json.Buffer = .empty;
    try body.appendSlice(allocator, comptime start(422, "One or more fields are not valid.") ++ ",\"errors\":[");
    for (errors, 0..) |failure, index| {
        try body.appendSlice(allocator, if (index == 0) "{\"field\":" else ",{\"field\":");
        try json.string(&body, allocator, failure.field);
        try body.appendSlice(allocator, ",\"message\":");
        try json.string(&body, allocator, failure.message);
        try body.append(allocator, '}');
    }
    try body.appendSlice(allocator, "]}");
    request.respond(.{ .status = 422, .content_type = media_type, .body = .{ .kept = body.items } });
}

fn start(comptime status: u16, comptime detail: []const u8) []const u8 {
    return std.fmt.comptimePrint(
        "{{\"type\":\"about:blank\",\"title\":\"{s}\",\"status\":{d},\"detail\":\"{s}\"",
        .{ comptime response.reason(status), status, detail },
    );
}
