//! The error answers of the API: RFC 9457 problem documents. Handlers return an
//! error; here is what it becomes.

const std = @import("std");
const json = @import("../json.zig");
const Errors = @import("validate.zig").Errors;
const Request = @import("../http/request.zig").Request;

pub const Problem = struct {
    status: std.http.Status,
    detail: []const u8,
    /// Further header lines.
    fields: []const u8 = "",
};

const challenge = "WWW-Authenticate: Bearer\r\n";

/// Null: the error is one of the API itself.
pub fn of(failure: anyerror) ?Problem {
    return switch (failure) {
        error.InvalidJson => .{ .status = .bad_request, .detail = "The body must be a JSON object whose members have the right types." },
        error.InvalidUpload => .{ .status = .bad_request, .detail = "The body must be whole, and have a file in a part named file." },
        error.InvalidToken => .{ .status = .unauthorized, .detail = "A valid access token is required.", .fields = challenge },
        error.WrongPassword => .{ .status = .unauthorized, .detail = "The email or the password is wrong.", .fields = challenge },
        error.NotTheAuthor => .{ .status = .forbidden, .detail = "This post belongs to another user." },
        error.NoSuchPath => .{ .status = .not_found, .detail = "There is nothing at this path." },
        error.NoSuchUser => .{ .status = .not_found, .detail = "There is no such user." },
        error.NoSuchPost => .{ .status = .not_found, .detail = "There is no such post." },
        error.NoSuchFile => .{ .status = .not_found, .detail = "There is no such file." },
        error.UsernameTaken => .{ .status = .conflict, .detail = "The username is taken." },
        error.EmailTaken => .{ .status = .conflict, .detail = "The email is taken." },
        error.LargeJson => .{ .status = .payload_too_large, .detail = "The body must have at most 65,536 bytes." },
        error.LargeFile => .{ .status = .payload_too_large, .detail = "The file must have at most 2,097,152 bytes." },
        error.NotJson => .{ .status = .unsupported_media_type, .detail = "The body must be application/json." },
        error.NotMultipart => .{ .status = .unsupported_media_type, .detail = "The body must be multipart/form-data." },
        error.WrongFileType => .{ .status = .unsupported_media_type, .detail = "The file must be a PNG, JPEG, WebP or PDF, and declared as what it is." },
        else => null,
    };
}

pub const internal: Problem = .{ .status = .internal_server_error, .detail = "An internal error occurred." };
pub const unavailable: Problem = .{ .status = .service_unavailable, .detail = "The service is not available at the moment." };

const content_type = "application/problem+json";

pub fn answer(request: *Request, problem: Problem) void {
    var buffer: [512]u8 = undefined;
    const document = "{{\"type\":\"about:blank\",\"title\":\"{s}\",\"status\":{d},\"detail\":\"{s}\"}}";
    const body = std.fmt.bufPrint(&buffer, document, .{
        problem.status.phrase().?, @intFromEnum(problem.status), problem.detail,
    }) catch unreachable; // every detail above is far shorter, and needs no escape
    request.respond(.{
        .status = problem.status,
        .fields = problem.fields,
        .content_type = content_type,
        .body = .{ .passing = body },
    });
}

/// Answers 405; `allow` is the header line with the methods that the path takes.
pub fn answerMethod(request: *Request, allow: []const u8) void {
    answer(request, .{ .status = .method_not_allowed, .detail = "This path doesn't take this method.", .fields = allow });
}

/// Answers 422 with the fields that break a rule.
pub fn answerInvalid(request: *Request, errors: *const Errors) std.mem.Allocator.Error!void {
    const status: std.http.Status = .unprocessable_entity;
    const body = try json.stringify(request.allocator(), .{
        .type = "about:blank",
        .title = status.phrase().?,
        .status = @intFromEnum(status),
        .errors = errors.constSlice(),
    });
    request.respond(.{ .status = status, .content_type = content_type, .body = .{ .kept = body } });
}
