//! Times in bodies, which may be old, and partly known.

use barid_proto::Timestamp;
use barid_proto::message::v1 as pb;
use time::{Date, Month};

use super::Inspection;
use crate::fault::At;
use crate::reason::Reason;
use crate::rules::field::is_run;

/// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z, seconds since 1970: the range of
/// protobuf's Timestamp.
const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

impl Inspection<'_, '_> {
    /// An instant of any year, in whole milliseconds.
    pub(super) fn instant(&mut self, at: At<'_>, time: &Timestamp) {
        let Timestamp { seconds, nanos } = time;
        let whole = (0..1_000_000_000).contains(nanos) && nanos % 1_000_000 == 0;
        if !whole || !SECONDS.contains(seconds) {
            self.invalid(at, "whole milliseconds within the years 1 to 9999 are expected");
        }
    }

    /// A date or time as known.
    pub(super) fn partial_time(&mut self, at: At<'_>, time: &pb::PartialTime) {
        let pb::PartialTime { instant, date, as_printed, calendar } = time;
        self.part(at.field("instant"), instant.as_ref(), Self::instant);
        if !date.is_empty() && !is_date(date) {
            self.invalid(at.field("date"), "YYYY, YYYY-MM or YYYY-MM-DD of the calendar");
        }
        self.line(at.field("as_printed"), as_printed);
        self.code(at.field("calendar"), calendar);
        if as_printed.is_empty() && !calendar.is_empty() {
            self.missing(at.field("as_printed"));
        }
        if instant.is_none() && date.is_empty() && as_printed.is_empty() {
            self.missing(at);
        }
    }

    /// A span of time that may be without a begin.
    pub(super) fn period(&mut self, at: At<'_>, period: &pb::Period) {
        let pb::Period { from, to } = period;
        self.part(at.field("from"), from.as_ref(), Self::partial_time);
        self.part(at.field("to"), to.as_ref(), Self::partial_time);
        if from.as_ref().zip(to.as_ref()).is_some_and(|(from, to)| is_before(to, from)) {
            let text = "must not come before from";
            self.findings.add(at.field("to"), Reason::TimeOrder, "body", text);
        }
    }

    /// A span of time with a begin.
    pub(super) fn period_with_begin(&mut self, at: At<'_>, period: &pb::Period) {
        if period.from.is_none() {
            self.missing(at.field("from"));
        }
        self.period(at, period);
    }
}

/// Whether one time is surely before another: by their instants, or by those parts of
/// their dates that both have. An instant and a date do not compare, since a date is
/// one of some place.
fn is_before(one: &pb::PartialTime, other: &pb::PartialTime) -> bool {
    let instants = one.instant.as_ref().zip(other.instant.as_ref());
    if let Some((one, other)) = instants {
        return (one.seconds, one.nanos) < (other.seconds, other.nanos);
    }
    let (one, other) = (&one.date, &other.date);
    let known = one.len().min(other.len());
    is_date(one) && is_date(other) && one[..known] < other[..known]
}

/// Whether a text is a date of ISO 8601 whose last parts may be absent.
fn is_date(text: &str) -> bool {
    let mut parts = text.split('-');
    let mut number = |len: usize| {
        let part = parts.next()?;
        Some(is_run(part, len, u8::is_ascii_digit).then(|| part.parse::<u16>().ok()).flatten())
    };
    let (year, month, day) = (number(4).flatten(), number(2), number(2));
    let (Some(year), None) = (year, parts.next()) else {
        return false;
    };
    let part = |part: Option<Option<u16>>| part.map_or(Some(1), |value| value);
    let (Some(month), Some(day)) = (part(month), part(day)) else {
        return false;
    };
    let (Ok(month), Ok(day)) = (u8::try_from(month), u8::try_from(day)) else {
        return false;
    };
    Month::try_from(month)
        .is_ok_and(|month| Date::from_calendar_date(i32::from(year), month, day).is_ok())
}

#[cfg(test)]
mod tests {
    use barid_proto::Timestamp;
    use barid_proto::message::v1::PartialTime;

    use super::{is_before, is_date};

    #[test]
    fn times_compare_by_what_both_have() {
        let date = |date: &str| PartialTime { date: date.into(), ..Default::default() };
        let instant = |seconds, nanos| {
            let instant = Some(Timestamp { seconds, nanos });
            PartialTime { instant, ..Default::default() }
        };
        assert!(is_before(&date("2019"), &date("2020-05-01")));
        assert!(is_before(&date("2020-04"), &date("2020-05")));
        assert!(!is_before(&date("2020"), &date("2020-05-01")));
        assert!(!is_before(&date("2020-05-01"), &date("2020-05-01")));
        assert!(!is_before(&date("2020-06"), &date("2020-05-01")));
        assert!(!is_before(&date("\u{645}"), &date("2020")));
        assert!(is_before(&instant(-1, 0), &instant(0, 0)));
        assert!(is_before(&instant(5, 0), &instant(5, 1_000_000)));
        assert!(!is_before(&instant(5, 0), &instant(5, 0)));
        assert!(!is_before(&instant(0, 0), &date("2020")));
        assert!(!is_before(&PartialTime::default(), &date("2020")));
    }

    #[test]
    fn dates_may_lack_their_last_parts() {
        for date in ["2020", "2020-01", "2020-02-29", "1993-12-31"] {
            assert!(is_date(date), "{date}");
        }
        for date in [
            "20",
            "2020-",
            "2020-1",
            "2020-13",
            "2020-00",
            "2021-02-29",
            "2020-01-05T",
            "2020-01-",
            "+020",
            "2020-01-05-06",
            "x",
            "-2020",
        ] {
            assert!(!is_date(date), "{date}");
        }
    }
}
