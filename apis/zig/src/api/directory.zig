//! The directory that keeps the content of files, under random names.

const std = @import("std");

pub const name_length = 32;

pub const Directory = struct {
    dir: std.fs.Dir,

    /// Opens a directory, and proves that files can be made there: the first
    /// upload would be too late to find out.
    pub fn open(path: []const u8) !Directory {
        const directory: Directory = .{ .dir = try std.fs.cwd().openDir(path, .{}) };
        const probe = try directory.create();
        probe.file.close();
        probe.remove();
        return directory;
    }

    /// Makes a new, empty content. It isn't synced to disk, neither here nor later.
    pub fn create(directory: Directory) !Content {
        var random: [name_length / 2]u8 = undefined;
        std.crypto.random.bytes(&random);
        const name = std.fmt.bytesToHex(random, .lower);
        const file = try directory.dir.createFile(&name, .{ .exclusive = true, .mode = 0o600 });
        return .{ .directory = directory, .file = file, .name = name };
    }
};

/// A content that is being written.
pub const Content = struct {
    directory: Directory,
    file: std.fs.File,
    name: [name_length]u8,

    /// Removes a content that nothing refers to. One that can't be removed is
    /// harmless.
    pub fn remove(content: Content) void {
        content.directory.dir.deleteFile(&content.name) catch {};
    }
};
