//! Uploads and downloads.

const std = @import("std");
const call_module = @import("call.zig");
const directory = @import("directory.zig");
const file_rules = @import("file_rules.zig");
const http = @import("../http/request.zig");
const multipart = @import("../http/multipart.zig");
const statements = @import("statements.zig");

const Call = call_module.Call;
const Sha256 = std.crypto.hash.sha2.Sha256;

const max_file = 2 << 20;
/// Of a whole upload: the file, and what is around it.
const max_body = max_file + (64 << 10);

/// POST /api/files.
pub fn upload(call: *Call) !void {
    if (!call_module.hasMediaType(call.request, "multipart/form-data")) return error.NotMultipart;
    if (call.request.declaredLength() > max_body) return error.LargeFile;
    const content_type = call.request.head.get("content-type").?; // as was just seen
    const receiver = try call.allocator().create(Receiver);
    receiver.* = .{ .call = call, .reader = multipart.Reader.init(content_type) catch return error.InvalidUpload };
    call.kept = receiver;
    call.request.streamBody(&receiver.sink);
}

/// Finds the file in an upload, checks it, and writes it to disk as it arrives.
pub const Receiver = struct {
    call: *Call,
    sink: http.Sink = .{ .data = onData, .end = onEnd, .abort = onAbort },
    reader: multipart.Reader,
    received: usize = 0,
    /// The current part is the file.
    in_file: bool = false,
    name_buffer: [file_rules.max_name]u8 = undefined,
    filename: []const u8 = "",
    declared_type: ?[]const u8 = null,
    content_type: []const u8 = "",
    prefix: std.BoundedArray(u8, file_rules.prefix_length) = .{},
    size: usize = 0,
    digest: Sha256 = .init(.{}),
    sha256: [2 * Sha256.digest_length]u8 = undefined,
    /// There once the type is known.
    content: ?directory.Content = null,

    fn onData(sink: *http.Sink, data: []const u8) void {
        const receiver: *Receiver = @alignCast(@fieldParentPtr("sink", sink));
        const is_complete = receiver.feed(data) catch |failure| return receiver.fail(failure);
        if (is_complete) receiver.insertFile() catch |failure| receiver.fail(failure);
    }

    /// The body has ended before its last delimiter.
    fn onEnd(sink: *http.Sink) void {
        const receiver: *Receiver = @alignCast(@fieldParentPtr("sink", sink));
        receiver.fail(error.InvalidUpload);
    }

    fn onAbort(sink: *http.Sink) void {
        const receiver: *Receiver = @alignCast(@fieldParentPtr("sink", sink));
        receiver.discard();
    }

    fn fail(receiver: *Receiver, failure: anyerror) void {
        receiver.discard();
        receiver.call.attempt(if (failure == error.Malformed) error.InvalidUpload else failure);
    }

    fn discard(receiver: *Receiver) void {
        const content = receiver.content orelse return;
        receiver.content = null;
        content.file.close();
        content.remove();
    }

    /// True: what follows has no meaning.
    fn feed(receiver: *Receiver, data: []const u8) !bool {
        receiver.received += data.len;
        if (receiver.received > max_body) return error.LargeFile;
        var rest = data;
        while (rest.len != 0) {
            rest = rest[receiver.reader.feed(rest)..];
            while (true) switch (try receiver.reader.next()) {
                .more => break,
                .part => |lines| try receiver.beginPart(lines),
                .content => |bytes| if (receiver.in_file) try receiver.take(bytes),
                .end => {
                    try receiver.endPart();
                    return true;
                },
            };
        }
        return false;
    }

    fn beginPart(receiver: *Receiver, lines: []const u8) !void {
        try receiver.endPart();
        const part: multipart.Part = .parse(lines);
        const is_file = std.mem.eql(u8, part.name, "file") and part.filename.len != 0;
        // The first one counts.
        if (!is_file or receiver.content != null) return;
        receiver.in_file = true;
        receiver.filename = file_rules.safeName(part.filename, &receiver.name_buffer);
        if (part.content_type) |declared| receiver.declared_type = try receiver.call.allocator().dupe(u8, declared);
    }

    fn endPart(receiver: *Receiver) !void {
        if (receiver.in_file and receiver.content == null) try receiver.openContent();
        receiver.in_file = false;
    }

    fn take(receiver: *Receiver, bytes: []const u8) !void {
        if (bytes.len > max_file - receiver.size) return error.LargeFile;
        receiver.size += bytes.len;
        receiver.digest.update(bytes);
        var rest = bytes;
        if (receiver.content == null) {
            const count = @min(bytes.len, file_rules.prefix_length - receiver.prefix.len);
            receiver.prefix.appendSliceAssumeCapacity(bytes[0..count]);
            if (receiver.prefix.len < file_rules.prefix_length) return;
            try receiver.openContent();
            rest = bytes[count..];
        }
        try receiver.content.?.file.writeAll(rest);
    }

    /// Checks the type, and writes the first bytes.
    fn openContent(receiver: *Receiver) !void {
        const prefix = receiver.prefix.constSlice();
        receiver.content_type = file_rules.detectType(prefix) orelse return error.WrongFileType;
        const declared = receiver.declared_type orelse receiver.content_type;
        if (!call_module.isMediaType(declared, receiver.content_type)) return error.WrongFileType;
        receiver.content = try receiver.call.api.uploads.create();
        try receiver.content.?.file.writeAll(prefix);
    }

    fn insertFile(receiver: *Receiver) !void {
        const call = receiver.call;
        call.request.stopBody();
        const content = if (receiver.content) |*found| found else return error.InvalidUpload;
        content.file.close();
        receiver.sha256 = std.fmt.bytesToHex(receiver.digest.finalResult(), .lower);
        call.tryExecute(&statements.insert_file, &.{
            .{ .integer = call.caller.id },
            .{ .text = receiver.filename },
            .{ .text = receiver.content_type },
            .{ .integer = @intCast(receiver.size) },
            .{ .text = &receiver.sha256 },
            .{ .text = &content.name },
        }, onInserted);
    }
};

fn onInserted(call: *Call, outcome: call_module.Outcome) !void {
    const receiver = call.get(Receiver);
    switch (outcome) {
        .done => |result| {
            var rows = result.rows;
            const file = try rows.next(statements.NewFile) orelse return error.NoRow;
            return call.json(.created, "", .{
                .id = file.id,
                .filename = receiver.filename,
                .content_type = receiver.content_type,
                .size = receiver.size,
                .sha256 = receiver.sha256,
            });
        },
        .lost => {}, // there may be a row, whose content must stay
        .refused, .unavailable => receiver.content.?.remove(),
    }
    return call.failStatement(outcome);
}

/// GET /api/files/{id}.
pub fn download(call: *Call) !void {
    call.execute(&statements.file_by_id, &.{.{ .integer = call.id }}, sendFile);
}

/// Bytes for what is put into the head as it is stored.
const max_fields = 512;

fn sendFile(call: *Call, rows: *call_module.Rows) !void {
    const file = try rows.next(statements.File) orelse return error.NoSuchFile;
    const disposition = "Content-Disposition: attachment; filename=\"{s}\"\r\n";
    const fields = try std.fmt.allocPrint(call.allocator(), disposition, .{file.filename});
    if (fields.len + file.content_type.len > max_fields) return error.FieldsTooLong;
    const content = try call.api.uploads.dir.openFile(file.storage_name, .{});
    errdefer content.close();
    const size = (try content.stat()).size;
    if (size != file.size) return error.ContentDiffers;
    call.request.respond(.{
        .status = .ok,
        .fields = fields,
        .content_type = file.content_type,
        .body = .{ .file = .{ .fd = content.handle, .size = size } },
    });
}
