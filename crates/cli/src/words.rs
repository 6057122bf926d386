//! Codes and times of the wire, in words.

#[cfg(test)]
mod tests;

use std::time::Duration;

use barid_message::Reason;
use barid_message::header::{Kind, Precedence, Status};
use barid_message::id::MessageId;
use barid_message::reason;
use barid_message::time::Millis;
use barid_proto::Timestamp;
use barid_proto::audit::v1::Event;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// An event's name; for one that this version does not know, its number.
pub(crate) fn event(number: i32) -> String {
    let name = Event::try_from(number).map(|event| bare(event.as_str_name(), "EVENT_"));
    name.unwrap_or_else(|_unknown| number.to_string())
}

/// A reason's name; empty where none is given.
pub(crate) fn reason(number: i32) -> String {
    match (number, reason::from_number(number)) {
        (0, _) => String::new(),
        (_, Reason::Unspecified) => number.to_string(),
        (_, why) => reason::name(why).to_owned(),
    }
}

/// A reason's name, and why in the words of who did it; either may be missing.
pub(crate) fn reason_and_why(number: i32, why: &str) -> String {
    match (reason(number), why) {
        (name, "") => name,
        (name, why) if name.is_empty() => why.to_owned(),
        (name, why) => format!("{name}: {why}"),
    }
}

/// A kind's name.
pub(crate) fn kind(number: i32) -> String {
    let name = Kind::try_from(number).map(|kind| bare(kind.as_str_name(), "KIND_"));
    name.unwrap_or_else(|_unknown| number.to_string())
}

/// A precedence's name.
pub(crate) fn precedence(number: i32) -> String {
    let level = Precedence::try_from(number);
    let name = level.map(|level| bare(level.as_str_name(), "PRECEDENCE_"));
    name.unwrap_or_else(|_unknown| number.to_string())
}

/// A status's name.
pub(crate) fn status(number: i32) -> String {
    let name = Status::try_from(number).map(|status| bare(status.as_str_name(), "STATUS_"));
    name.unwrap_or_else(|_unknown| number.to_string())
}

/// A word behind its message's status, unless that is real: `EXERCISE ALERT`. In front,
/// where no text of a sender can stand.
pub(crate) fn marked(status_number: i32, word: &str) -> String {
    match status(status_number).as_str() {
        "ACTUAL" | "" => word.to_owned(),
        unreal => format!("{unreal} {word}"),
    }
}

/// An enum's name without its prefix; empty for UNSPECIFIED.
pub(crate) fn bare(name: &str, prefix: &str) -> String {
    match name.strip_prefix(prefix).unwrap_or(name) {
        "UNSPECIFIED" => String::new(),
        name => name.to_owned(),
    }
}

/// How long a link takes to the other node and back; 0 = it was not measured yet, which
/// the first message or evidence over it does.
pub(crate) fn round_trip(ms: u64) -> String {
    match ms {
        0 => "not measured".to_owned(),
        ms => format!("{ms} ms"),
    }
}

/// A time in UTC; `-` where there is none.
pub(crate) fn time(timestamp: Option<&Timestamp>) -> String {
    let known = timestamp.and_then(|timestamp| Millis::from_proto(timestamp).ok());
    known.map_or_else(|| "-".to_owned(), |time| time.to_string())
}

/// A span of time, to the precision that a person wants.
pub(crate) fn span(span: Duration) -> String {
    let (seconds, ms) = (span.as_secs(), span.subsec_millis());
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match seconds {
        0 => format!("{ms} ms"),
        1..60 => format!("{seconds}.{:03} s", ms),
        60..3_600 => format!("{minutes} min {} s", seconds % 60),
        3_600..86_400 => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

/// One thing, or several.
pub(crate) fn count(number: usize, one: &str, several: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { several })
}

/// A code of a list as typed: `border-operation`, `BORDER_OPERATION`.
pub(crate) fn code(prefix: &str, typed: &str) -> String {
    format!("{prefix}{}", typed.replace('-', "_").to_ascii_uppercase())
}

/// A message id as typed.
pub(crate) fn message_id(text: &str) -> Result<MessageId, String> {
    MessageId::parse(text).map_err(|error| error.to_string())
}

/// A point in time as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// `2027-01-15T08:00:00Z`, or `2027-01-15` for its first moment.
    At(Millis),
    /// `90s`, `15m`, `2h`, `3d`: that long ago.
    Ago(Duration),
}

impl When {
    /// The instant, as seen from now.
    pub(crate) fn at(self, now: Millis) -> Millis {
        match self {
            Self::At(time) => time,
            Self::Ago(span) => now - span,
        }
    }

    /// Reads what was typed.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong =
            || "use 2027-01-15T08:00:00Z, 2027-01-15, or 90s, 15m, 2h, 3d for ago".to_owned();
        if let Some(span) = ago(text) {
            return Ok(Self::Ago(span));
        }
        let whole = if text.len() == "2027-01-15".len() {
            format!("{text}T00:00:00Z")
        } else {
            text.to_owned()
        };
        let time = OffsetDateTime::parse(&whole, &Rfc3339).map_err(|_unreadable| wrong())?;
        let ms = time.unix_timestamp_nanos() / 1_000_000;
        u64::try_from(ms).map(|ms| Self::At(Millis(ms))).map_err(|_before_1970| wrong())
    }
}

fn ago(text: &str) -> Option<Duration> {
    let unit_at = text.len().checked_sub(1)?;
    let (number, unit) = text.split_at_checked(unit_at)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    let number: u32 = number.parse().ok()?;
    Some(Duration::from_secs(u64::from(number) * seconds))
}
