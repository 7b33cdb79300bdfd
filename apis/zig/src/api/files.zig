//! Uploads and downloads.

const std = @import("std");
const Api = @import("api.zig").Api;
const body_module = @import("../http/body.zig");
const disposition = @import("../upload/disposition.zig");
const json = @import("../json/writer.zig");
const json_body = @import("json_body.zig");
const message = @import("../postgres/message.zig");
const problem = @import("problem.zig");
const query_module = @import("../postgres/query.zig");
const receiver_module = @import("../upload/receiver.zig");
const Request = @import("../http/request.zig").Request;
const statements = @import("statements.zig");
const token_module = @import("../token/token.zig");
const view = @import("view.zig");

const Query = query_module.Query;

/// POST /api/files.
pub const Upload = struct {
    api: *Api,
    request: *Request,
    caller: token_module.User,
    sink: body_module.Sink = .{ .data = onData, .end = onEnd, .abort = onAbort },
    receiver: receiver_module.Receiver,
    file: receiver_module.File = undefined,
    query: Query = undefined,
    id: i64 = 0,

    pub fn start(api: *Api, request: *Request, caller: token_module.User) std.mem.Allocator.Error!void {
        if (!json_body.hasMediaType(request, "multipart/form-data")) return problem.not_multipart.answer(request);
        if (request.declaredLength()) |length| {
            if (length > receiver_module.max_body) return problem.large_file.answer(request);
        }
        const content_type = request.head.single("content-type").?; // as was just seen
        const boundary = disposition.boundaryOf(content_type, request.allocator()) catch |failure| return switch (failure) {
            error.Malformed => problem.bad_upload.answer(request),
            error.OutOfMemory => error.OutOfMemory,
        };
        const upload = try request.allocator().create(Upload);
        upload.* = .{
            .api = api,
            .request = request,
            .caller = caller,
            .receiver = .init(api.uploads, boundary, request.allocator()),
        };
        request.streamBody(&upload.sink);
    }

    fn onData(sink: *body_module.Sink, data: []const u8) void {
        const upload: *Upload = @alignCast(@fieldParentPtr("sink", sink));
        const complete = upload.receiver.feed(data) catch |failure| return upload.refuse(failure);
        if (complete) upload.finish();
    }

    fn onEnd(sink: *body_module.Sink) void {
        const upload: *Upload = @alignCast(@fieldParentPtr("sink", sink));
        upload.finish();
    }

    fn onAbort(sink: *body_module.Sink) void {
        const upload: *Upload = @alignCast(@fieldParentPtr("sink", sink));
        upload.receiver.discard();
    }

    fn refuse(upload: *Upload, failure: receiver_module.Error) void {
        upload.receiver.discard();
        const request = upload.request;
        switch (failure) {
            error.Malformed => problem.bad_upload.answer(request),
            error.BadType => problem.bad_file_type.answer(request),
            error.TooLarge => problem.large_file.answer(request),
            error.Storage => upload.api.internal(request, "the content of a file can't be written"),
            error.OutOfMemory => upload.api.outOfMemory(request),
        }
    }

    fn finish(upload: *Upload) void {
        upload.request.stopBody();
        upload.file = upload.receiver.finish() catch |failure| return upload.refuse(failure);
        const file = &upload.file;
        const parameters = [_]message.Parameter{
            .{ .integer = upload.caller.id },
            .{ .text = file.name },
            .{ .text = file.content_type },
            .{ .integer = @intCast(file.size) },
            .{ .text = &file.sha256 },
            .{ .text = &file.storage_name },
        };
        upload.query = .init(&statements.insert_file, &parameters, onRow, onInserted);
        upload.api.postgres.execute(&upload.query);
    }

    fn onRow(query: *Query, row: *message.Row) message.Error!void {
        const upload: *Upload = @alignCast(@fieldParentPtr("query", query));
        upload.id = try row.integer();
    }

    fn onInserted(query: *Query, outcome: query_module.Outcome) void {
        const upload: *Upload = @alignCast(@fieldParentPtr("query", query));
        if (outcome == .done and outcome.done == 1) {
            return upload.answer() catch upload.api.outOfMemory(upload.request);
        }
        upload.api.uploads.remove(&upload.file.storage_name) catch
            upload.api.log.write(.@"error", "a content without a row is left behind", .{ .storage_name = &upload.file.storage_name });
        // The token is good, but its user isn't there.
        const is_refused = outcome == .failed and statements.isForeignKeyViolation(&outcome.failed);
        if (is_refused) problem.bad_token.answer(upload.request) else upload.api.statementFailed(upload.request, outcome);
    }

    fn answer(upload: *Upload) std.mem.Allocator.Error!void {
        const file = &upload.file;
        var body: json.Buffer = .empty;
        try view.file(&body, upload.request.allocator(), upload.id, file.name, file.content_type, file.size, &file.sha256);
        upload.request.respond(.{ .status = 201, .content_type = "application/json", .body = .{ .kept = body.items } });
    }
};

/// GET /api/files/{id}.
pub const Download = struct {
    api: *Api,
    request: *Request,
    query: Query,
    file: ?File = null,
    out_of_memory: bool = false,

    const File = struct {
        name: []const u8,
        content_type: []const u8,
        size: i64,
        storage_name: []const u8,
    };

    pub fn start(api: *Api, request: *Request, id: i64) std.mem.Allocator.Error!void {
        const download = try request.allocator().create(Download);
        download.* = .{
            .api = api,
            .request = request,
            .query = .init(&statements.file_by_id, &.{.{ .integer = id }}, onRow, onFound),
        };
        api.postgres.execute(&download.query);
    }

    fn onRow(query: *Query, row: *message.Row) message.Error!void {
        const download: *Download = @fieldParentPtr("query", query);
        const file: File = .{
            .name = try row.text(),
            .content_type = try row.text(),
            .size = try row.integer(),
            .storage_name = try row.text(),
        };
        download.keep(file) catch {
            download.out_of_memory = true;
        };
    }

    fn keep(download: *Download, file: File) std.mem.Allocator.Error!void {
        const allocator = download.request.allocator();
        download.file = .{
            .name = try allocator.dupe(u8, file.name),
            .content_type = try allocator.dupe(u8, file.content_type),
            .size = file.size,
            .storage_name = try allocator.dupe(u8, file.storage_name),
        };
    }

    fn onFound(query: *Query, outcome: query_module.Outcome) void {
        const download: *Download = @fieldParentPtr("query", query);
        if (outcome != .done) return download.api.statementFailed(download.request, outcome);
        if (download.out_of_memory) return download.api.outOfMemory(download.request);
        const file = download.file orelse return problem.no_file.answer(download.request);
        download.answer(file) catch |failure| download.api.internal(download.request, @errorName(failure));
    }

    fn answer(download: *Download, file: File) !void {
        const fields = try std.fmt.allocPrint(
            download.request.allocator(),
            "Content-Disposition: attachment; filename=\"{s}\"\r\n",
            .{file.name},
        );
        const size = std.math.cast(u64, file.size) orelse return error.NegativeSize;
        // Both are put into the head as they are, which has little room.
        if (fields.len + file.content_type.len > max_fields) return error.NameTooLong;
        const content = try download.api.uploads.openContent(file.storage_name, size);
        download.request.respond(.{
            .status = 200,
            .fields = fields,
            .content_type = file.content_type,
            .body = .{ .file = .{ .fd = content.handle, .size = size } },
        });
    }

    const max_fields = 512;
};
