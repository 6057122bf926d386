use std::time::Duration;

use barid_message::time::Millis;
use barid_proto::Timestamp;

use super::{
    When, code, count, event, kind, marked, precedence, reason, round_trip, span, status, time,
};

#[test]
fn codes_are_shown_by_name_and_unknown_ones_by_number() {
    assert_eq!(event(6), "HANDED_OVER");
    assert_eq!(event(99), "99");
    assert_eq!(reason(350), "WRONG_ADDRESSEE");
    assert_eq!(reason(0), "");
    assert_eq!(reason(9_999), "9999");
    assert_eq!(kind(14), "NOTE");
    assert_eq!(precedence(1), "FLASH");
    assert_eq!(status(1), "ACTUAL");
    assert_eq!(status(0), "");
}

#[test]
fn times_are_in_utc_with_milliseconds() {
    let at = Timestamp { seconds: 1_800_000_000, nanos: 7_000_000 };
    assert_eq!(time(Some(&at)), "2027-01-15T08:00:00.007Z");
    assert_eq!(time(None), "-");
    assert_eq!(time(Some(&Timestamp { seconds: -1, nanos: 0 })), "-");
}

#[test]
fn spans_are_as_precise_as_people_are() {
    for (ms, shown) in [
        (0, "0 ms"),
        (999, "999 ms"),
        (1_042, "1.042 s"),
        (61_000, "1 min 1 s"),
        (7_260_000, "2 h 1 min"),
        (90_000_000, "1 d 1 h"),
    ] {
        assert_eq!(span(Duration::from_millis(ms)), shown);
    }
    assert_eq!((round_trip(0), round_trip(7)), ("not measured".to_owned(), "7 ms".to_owned()));
    assert_eq!(count(1, "message", "messages"), "1 message");
    assert_eq!(count(0, "message", "messages"), "0 messages");
}

#[test]
fn points_in_time_are_typed_in_three_ways() {
    let eight = Millis(1_800_000_000_000);
    assert_eq!(When::parse("2027-01-15T08:00:00Z"), Ok(When::At(eight)));
    assert_eq!(When::parse("2027-01-15T13:00:00+05:00"), Ok(When::At(eight)));
    let midnight = eight - Duration::from_secs(8 * 3_600);
    assert_eq!(When::parse("2027-01-15"), Ok(When::At(midnight)));
    assert_eq!(
        When::parse("2h").map(|when| when.at(eight)),
        Ok(eight - Duration::from_secs(7_200))
    );
    for text in
        ["", "h", "-1h", "1w", "2027", "2027-13-01", "1969-01-01", "é", "1é", "99999999999h"]
    {
        assert!(When::parse(text).is_err(), "{text}");
    }
    assert_eq!(code("PURPOSE_", "border-operation"), "PURPOSE_BORDER_OPERATION");
}

#[test]
fn what_is_not_real_says_so_in_front() {
    assert_eq!(marked(1, "ALERT"), "ALERT");
    assert_eq!(marked(0, ""), "", "an event about no message");
    assert_eq!(marked(2, "ALERT"), "EXERCISE ALERT");
    assert_eq!(marked(4, "NOTE"), "TEST NOTE");
    assert_eq!(marked(9, "NOTE"), "9 NOTE", "a status of a later version is not ACTUAL");
}
