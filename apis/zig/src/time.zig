//! Moments in UTC, as JSON shows them and as HTTP does.

const std = @import("std");

pub const iso_length = "2026-01-31T12:00:00.000Z".len;

/// A moment in milliseconds since 1970, at most in the year 9999.
pub const Time = struct {
    milliseconds: u64,

    pub fn now() Time {
        return .{ .milliseconds = @intCast(@max(0, std.time.milliTimestamp())) };
    }

    /// Without `std.fmt`, which is slow for this: a page has forty of these.
    pub fn iso(time: Time) [iso_length]u8 {
        const seconds = time.milliseconds / std.time.ms_per_s;
        const date: Date = .of(seconds);
        var text = "0000-00-00T00:00:00.000Z".*;
        writeDigits(text[0..4], date.year);
        writeDigits(text[5..7], date.month);
        writeDigits(text[8..10], date.day);
        writeDigits(text[11..13], seconds / 3600 % 24);
        writeDigits(text[14..16], seconds / 60 % 60);
        writeDigits(text[17..19], seconds % 60);
        writeDigits(text[20..23], time.milliseconds % std.time.ms_per_s);
        return text;
    }
};

fn writeDigits(buffer: []u8, number: u64) void {
    var rest = number;
    var position = buffer.len;
    while (position > 0) {
        position -= 1;
        buffer[position] = @intCast('0' + rest % 10);
        rest /= 10;
    }
}

pub const http_length = "Sat, 31 Jan 2026 12:00:00 GMT".len;

/// Formats seconds since 1970 as an HTTP date (RFC 9110, section 5.6.7).
pub fn formatHttp(buffer: *[http_length]u8, seconds: u64) void {
    const date: Date = .of(seconds);
    _ = std.fmt.bufPrint(buffer, "{s}, {d:0>2} {s} {d:0>4} {d:0>2}:{d:0>2}:{d:0>2} GMT", .{
        weekdays[date.weekday], date.day,     months[date.month - 1], date.year, seconds / 3600 % 24,
        seconds / 60 % 60,      seconds % 60,
    }) catch unreachable; // always of this length
}

const weekdays = [_][]const u8{ "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
const months = [_][]const u8{ "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

const Date = struct {
    year: u16,
    month: u8,
    day: u8,
    weekday: u8,

    fn of(seconds: u64) Date {
        const epoch_day = (std.time.epoch.EpochSeconds{ .secs = seconds }).getEpochDay();
        const year_day = epoch_day.calculateYearDay();
        const month_day = year_day.calculateMonthDay();
        return .{
            .year = year_day.year,
            .month = month_day.month.numeric(),
            .day = month_day.day_index + 1,
            .weekday = @intCast((epoch_day.day + 4) % 7), // 1 January 1970 was a Thursday
        };
    }
};
