//! Moments in UTC, as the API shows them and as HTTP does.

const std = @import("std");

const CivilTime = struct {
    year: u16,
    month: u8,
    day: u8,
    weekday: u8,
    hour: u8,
    minute: u8,
    second: u8,

    fn of(seconds: u64) CivilTime {
        const epoch: std.time.epoch.EpochSeconds = .{ .secs = seconds };
        const day = epoch.getEpochDay();
        const year_day = day.calculateYearDay();
        const month_day = year_day.calculateMonthDay();
        const time = epoch.getDaySeconds();
        return .{
            .year = year_day.year,
            .month = month_day.month.numeric(),
            .day = month_day.day_index + 1,
            .weekday = @intCast((day.day + 4) % 7), // 1 January 1970 was a Thursday
            .hour = time.getHoursIntoDay(),
            .minute = time.getMinutesIntoHour(),
            .second = time.getSecondsIntoMinute(),
        };
    }
};

pub const iso_length = "2026-01-31T12:00:00.000Z".len;

/// Formats milliseconds since 1970, at most those of the year 9999.
pub fn formatIso(milliseconds: u64, buffer: *[iso_length]u8) void {
    const time: CivilTime = .of(milliseconds / 1000);
    writeDigits(buffer[0..4], time.year);
    buffer[4] = '-';
    writeDigits(buffer[5..7], time.month);
    buffer[7] = '-';
    writeDigits(buffer[8..10], time.day);
    buffer[10] = 'T';
    writeClock(buffer[11..19], time);
    buffer[19] = '.';
    writeDigits(buffer[20..23], milliseconds % 1000);
    buffer[23] = 'Z';
}

pub const http_length = "Sat, 31 Jan 2026 12:00:00 GMT".len;

/// Formats seconds since 1970 as an HTTP date (RFC 9110, section 5.6.7).
pub fn formatHttp(seconds: u64, buffer: *[http_length]u8) void {
    const time: CivilTime = .of(seconds);
    buffer[0..3].* = weekdays[time.weekday].*;
    buffer[3..5].* = ", ".*;
    writeDigits(buffer[5..7], time.day);
    buffer[7] = ' ';
    buffer[8..11].* = months[time.month - 1].*;
    buffer[11] = ' ';
    writeDigits(buffer[12..16], time.year);
    buffer[16] = ' ';
    writeClock(buffer[17..25], time);
    buffer[25..29].* = " GMT".*;
}

const weekdays = [_]*const [3]u8{ "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
const months = [_]*const [3]u8{ "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

fn writeClock(buffer: *[8]u8, time: CivilTime) void {
    writeDigits(buffer[0..2], time.hour);
    buffer[2] = ':';
    writeDigits(buffer[3..5], time.minute);
    buffer[5] = ':';
    writeDigits(buffer[6..8], time.second);
}

fn writeDigits(buffer: []u8, number: u64) void {
    var rest = number;
    var position = buffer.len;
    while (position > 0) {
        position -= 1;
        buffer[position] = @intCast('0' + rest % 10);
        rest /= 10;
    }
}

/// Milliseconds since 1970.
pub fn nowMilliseconds() u64 {
    return @intCast(@max(0, std.time.milliTimestamp()));
}
