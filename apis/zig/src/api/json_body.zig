//! Reads the JSON body of a request into its fields, embedded in what they are
//! for. Whatever is wrong with it is answered here.

const std = @import("std");
const Api = @import("api.zig").Api;
const body_module = @import("../http/body.zig");
const fields_module = @import("fields.zig");
const media_type = @import("../upload/media_type.zig");
const object = @import("../json/object.zig");
const problem = @import("problem.zig");
const Request = @import("../http/request.zig").Request;

const max_body = 64 << 10;
const max_fields = 3;

pub const Field = struct {
    name: []const u8,
    rule: fields_module.Rule,
    /// There once the body was accepted.
    value: []const u8 = "",
};

pub const JsonBody = struct {
    api: *Api,
    fields: []Field,
    accepted: *const fn (*JsonBody) void,
    collector: body_module.Collector,

    pub fn init(api: *Api, request: *Request, fields: []Field, accepted: *const fn (*JsonBody) void) JsonBody {
        std.debug.assert(fields.len <= max_fields);
        return .{
            .api = api,
            .fields = fields,
            .accepted = accepted,
            .collector = .{ .request = request, .limit = max_body, .finished = onBody },
        };
    }

    pub fn read(body: *JsonBody) void {
        const request = body.collector.request;
        if (!hasMediaType(request, "application/json")) return problem.not_json.answer(request);
        body.collector.start();
    }

    fn onBody(collector: *body_module.Collector, outcome: body_module.Collector.Outcome) void {
        const body: *JsonBody = @fieldParentPtr("collector", collector);
        const request = collector.request;
        switch (outcome) {
            .too_large => problem.large_json.answer(request),
            .out_of_memory => body.api.outOfMemory(request),
            .body => |text| {
                const valid = body.accept(text) catch |failure| return switch (failure) {
                    error.Malformed => problem.bad_json.answer(request),
                    error.OutOfMemory => body.api.outOfMemory(request),
                };
                if (valid) body.accepted(body);
            },
        }
    }

    /// Fills in the fields. False: some are invalid, and that was answered.
    fn accept(body: *JsonBody, text: []const u8) object.Error!bool {
        const request = body.collector.request;
        const allocator = request.allocator();
        var member_buffer: [max_fields]object.Member = undefined;
        const members = member_buffer[0..body.fields.len];
        for (members, body.fields) |*member, field| member.* = .{ .name = field.name };
        try object.read(text, members, allocator);
        for (members) |member| {
            const value = member.value orelse continue;
            if (value.kind != .string and value.kind != .null) return error.Malformed;
        }
        var errors: std.BoundedArray(problem.FieldError, max_fields) = .{};
        for (members, body.fields) |member, *field| {
            const message = if (isMissing(member)) fields_module.required else message: {
                field.value = try member.value.?.decode(allocator);
                break :message field.rule(field.value) orelse continue;
            };
            errors.appendAssumeCapacity(.{ .field = field.name, .message = message });
        }
        if (errors.len == 0) return true;
        try problem.answerInvalid(request, errors.constSlice());
        return false;
    }

    fn isMissing(member: object.Member) bool {
        return member.value == null or member.value.?.kind == .null;
    }
};

/// Tells whether the request has one Content-Type, and it is `wanted` whatever
/// its parameters.
pub fn hasMediaType(request: *const Request, wanted: []const u8) bool {
    const value = request.head.single("content-type") orelse return false;
    return std.ascii.eqlIgnoreCase(media_type.withoutParameters(value), wanted);
}
