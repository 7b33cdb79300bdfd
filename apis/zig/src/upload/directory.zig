//! The directory that keeps the content of files, under random names.

const std = @import("std");

pub const name_length = 32;

pub const Directory = struct {
    dir: std.fs.Dir,

    pub fn open(path: []const u8) !Directory {
        return .{ .dir = try std.fs.cwd().openDir(path, .{}) };
    }

    /// Makes a new, empty content. It isn't synced to disk, neither here nor later.
    pub fn create(directory: Directory) !Content {
        var random: [name_length / 2]u8 = undefined;
        std.crypto.random.bytes(&random);
        const name = std.fmt.bytesToHex(random, .lower);
        const file = try directory.dir.createFile(&name, .{ .exclusive = true, .mode = 0o600 });
        return .{ .directory = directory, .file = file, .name = name };
    }

    /// Opens a content that must have so many octets.
    pub fn openContent(directory: Directory, name: []const u8, size: u64) !std.fs.File {
        const file = try directory.dir.openFile(name, .{});
        errdefer file.close();
        if ((try file.stat()).size != size) return error.SizeDiffers;
        return file;
    }

    pub fn remove(directory: Directory, name: []const u8) !void {
        try directory.dir.deleteFile(name);
    }

    /// Proves that files can be made there: the first upload would be too late to
    /// find out.
    pub fn isWritable(path: []const u8) bool {
        var directory = open(path) catch return false;
        defer directory.dir.close();
        const probe = directory.create() catch return false;
        probe.discard() catch return false;
        return true;
    }
};

/// A content that is being written.
pub const Content = struct {
    directory: Directory,
    file: std.fs.File,
    name: [name_length]u8,

    pub fn write(content: Content, octets: []const u8) !void {
        try content.file.writeAll(octets);
    }

    /// All is written, and stays.
    pub fn keep(content: Content) void {
        content.file.close();
    }

    /// Leaves nothing behind.
    pub fn discard(content: Content) !void {
        content.file.close();
        try content.directory.remove(&content.name);
    }
};
