//! Times in CAP.

use barid_message::time::Millis;
use time::{Date, Month, PrimitiveDateTime, Time, UtcOffset};

use super::schema::Version;
use crate::source::{Reason, quote};

/// A time as printed, and the instant where its zone is stated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) printed: String,
    /// `None` for a CAP 1.1 time without zone, which its schema allows.
    pub(crate) instant: Option<Millis>,
}

/// Reads a time by the schema of its version: CAP 1.2 demands whole seconds and a
/// zone in digits (`-00:00` is UTC); CAP 1.1 takes any `xs:dateTime`.
pub(crate) fn read(field: &'static str, text: &str, version: Version) -> Result<Stamp, Reason> {
    let printed = text.trim();
    let bad = || Reason::BadValue {
        field: field.to_owned(),
        value: quote(printed),
        expected: "a time as CAP writes it, e.g. 2024-05-19T17:18:00+04:00",
    };
    let instant = parse(printed, version).ok_or_else(bad)?;
    Ok(Stamp { printed: printed.to_owned(), instant })
}

/// Outer `None`: no such time. Inner `None`: a time without zone.
fn parse(printed: &str, version: Version) -> Option<Option<Millis>> {
    if !printed.is_ascii() || printed.len() > 40 {
        return None;
    }
    let (local, rest) = printed.split_at_checked(19)?;
    let (fraction, zone) = split_fraction(rest)?;
    let strict = version == Version::V1_2;
    if strict && (!fraction.is_empty() || zone.is_empty() || zone == "Z") {
        return None;
    }
    let milliseconds = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    let local = local_time(local, milliseconds)?;
    if zone.is_empty() {
        return Some(None);
    }
    let instant = local.assume_offset(offset(zone)?).unix_timestamp_nanos() / 1_000_000;
    u64::try_from(instant).ok().map(|ms| Some(Millis(ms)))
}

fn split_fraction(rest: &str) -> Option<(&str, &str)> {
    let Some(rest) = rest.strip_prefix('.') else {
        return Some(("", rest));
    };
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    (end > 0).then(|| rest.split_at(end))
}

/// `YYYY-MM-DDThh:mm:ss`.
fn local_time(text: &str, milliseconds: u16) -> Option<PrimitiveDateTime> {
    let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if separators.iter().any(|(position, byte)| text.as_bytes().get(*position) != Some(byte)) {
        return None;
    }
    let part = |from: usize, to: usize| two_digits(text.get(from..to)?);
    let year = i32::from(part(0, 2)?) * 100 + i32::from(part(2, 4)?);
    let month = Month::try_from(part(5, 7)?).ok()?;
    let date = Date::from_calendar_date(year, month, part(8, 10)?).ok()?;
    let time =
        Time::from_hms_milli(part(11, 13)?, part(14, 16)?, part(17, 19)?, milliseconds).ok()?;
    Some(PrimitiveDateTime::new(date, time))
}

fn offset(zone: &str) -> Option<UtcOffset> {
    if zone == "Z" {
        return Some(UtcOffset::UTC);
    }
    let sign = match zone.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let hours = i32::from(two_digits(hours)?);
    let minutes = i32::from(two_digits(minutes)?);
    if minutes > 59 || hours * 60 + minutes > 14 * 60 {
        return None;
    }
    UtcOffset::from_whole_seconds(sign * (hours * 60 + minutes) * 60).ok()
}

fn two_digits(text: &str) -> Option<u8> {
    let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}
