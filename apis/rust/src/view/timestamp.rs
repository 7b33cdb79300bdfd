//! Times as they are written: UTC with milliseconds.

use chrono::{DateTime, Datelike as _, Timelike as _, Utc};
use serde::{Serialize, Serializer};

const PATTERN: [u8; 24] = *b"0000-00-00T00:00:00.000Z";

/// A time in UTC, written as `2026-01-31T12:00:00.000Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamp(pub DateTime<Utc>);

impl Timestamp {
    /// Writes the digits by hand: a list has forty times, and chrono's formatting interprets a pattern.
    fn octets(self) -> [u8; 24] {
        let mut text = PATTERN;
        let mut write = |from: usize, digits: usize, mut number: u32| {
            for octet in text[from..from + digits].iter_mut().rev() {
                *octet = b'0' + (number % 10) as u8;
                number /= 10;
            }
        };
        write(0, 4, self.0.year().unsigned_abs());
        write(5, 2, self.0.month());
        write(8, 2, self.0.day());
        write(11, 2, self.0.hour());
        write(14, 2, self.0.minute());
        write(17, 2, self.0.second());
        write(20, 3, self.0.timestamp_subsec_millis());
        text
    }
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        formatter.write_str(std::str::from_utf8(&self.octets()).map_err(|_| std::fmt::Error)?)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.octets();
        serializer.serialize_str(std::str::from_utf8(&text).map_err(serde::ser::Error::custom)?)
    }
}

#[cfg(test)]
mod tests;
