use chrono::{DateTime, SecondsFormat};
use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn times_are_written_as_chrono_writes_them(milliseconds in 0_i64..253_402_300_800_000) {
        let time = DateTime::from_timestamp_millis(milliseconds).unwrap();
        let expected = time.to_rfc3339_opts(SecondsFormat::Millis, true);
        prop_assert_eq!(Timestamp(time).to_string(), expected);
    }
}

#[test]
fn digits_beyond_milliseconds_are_cut_off() {
    let time = DateTime::parse_from_rfc3339("2026-01-02T03:04:05.006999Z").unwrap();
    assert_eq!(
        serde_json::to_string(&Timestamp(time.to_utc())).unwrap(),
        "\"2026-01-02T03:04:05.006Z\""
    );
}
