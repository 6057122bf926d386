//! Instants: UTC, in whole milliseconds.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use barid_proto::Timestamp;
use thiserror::Error;
use time::OffsetDateTime;

use crate::caps;

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(pub u64);

/// Why a timestamp is not an instant of the standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TimeError {
    /// It is finer than a millisecond, or its nanoseconds are out of range.
    #[error("not in whole milliseconds")]
    NotWholeMillis,
    /// It lies outside the years 2000 to 2199.
    #[error("not within the years 2000 to 2199")]
    YearOutOfRange,
}

/// Nanoseconds of a millisecond.
const NANOS: u32 = 1_000_000;

impl Millis {
    /// Reads a timestamp of the standard: whole milliseconds, years 2000 to 2199.
    ///
    /// # Errors
    /// [`TimeError`].
    pub fn from_proto(timestamp: &Timestamp) -> Result<Self, TimeError> {
        let nanos = u32::try_from(timestamp.nanos).or(Err(TimeError::NotWholeMillis))?;
        if nanos >= 1_000 * NANOS || nanos % NANOS != 0 {
            return Err(TimeError::NotWholeMillis);
        }
        let seconds = u64::try_from(timestamp.seconds).or(Err(TimeError::YearOutOfRange))?;
        let ms = seconds
            .checked_mul(1_000)
            .and_then(|ms| ms.checked_add(u64::from(nanos / NANOS)))
            .ok_or(TimeError::YearOutOfRange)?;
        if (caps::EARLIEST_MS..caps::END_MS).contains(&ms) {
            Ok(Self(ms))
        } else {
            Err(TimeError::YearOutOfRange)
        }
    }

    /// The instant as a timestamp.
    pub fn to_proto(self) -> Timestamp {
        Timestamp {
            seconds: i64::try_from(self.0 / 1_000).expect("2^64 / 1000 is below 2^63"),
            nanos: i32::try_from(self.0 % 1_000).expect("below 1000") * 1_000_000,
        }
    }

    /// The time from `earlier` to this instant; zero if it is not earlier.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// The distance between two instants, whichever comes first.
    #[must_use]
    pub fn distance(self, other: Self) -> Duration {
        Duration::from_millis(self.0.abs_diff(other.0))
    }
}

/// Whole milliseconds of a duration, as many as fit.
fn whole_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Saturates at the end of time.
impl Add<Duration> for Millis {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(whole_millis(duration)))
    }
}

/// Saturates at 1970.
impl Sub<Duration> for Millis {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(whole_millis(duration)))
    }
}

/// RFC 3339 with milliseconds and `Z`; beyond the year 9999, the bare number.
impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = i128::from(self.0) * i128::from(NANOS);
        let Ok(at) = OffsetDateTime::from_unix_timestamp_nanos(nanos) else {
            return write!(f, "{} ms", self.0);
        };
        let ((year, month, day), (hour, minute, second, ms)) =
            (at.date().to_calendar_date(), at.time().as_hms_milli());
        let month = u8::from(month);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use barid_proto::Timestamp;
    use proptest::prelude::{prop_assert_eq, proptest};

    use super::{Millis, TimeError};
    use crate::caps;

    proptest! {
        #[test]
        fn instants_survive_the_wire(ms in caps::EARLIEST_MS..caps::END_MS) {
            prop_assert_eq!(Millis::from_proto(&Millis(ms).to_proto()), Ok(Millis(ms)));
        }
    }

    #[test]
    fn absurd_instants_are_refused() {
        let read = |seconds, nanos| Millis::from_proto(&Timestamp { seconds, nanos });
        for seconds in [i64::MIN, -1, 0, 946_684_799, 7_258_118_400, 253_402_300_799, i64::MAX] {
            assert_eq!(read(seconds, 0), Err(TimeError::YearOutOfRange));
        }
        for nanos in [-1, 1, 999_999, 1_000_000_000, i32::MIN, i32::MAX] {
            assert_eq!(read(1_000_000_000, nanos), Err(TimeError::NotWholeMillis));
        }
        assert_eq!(read(1_000_000_000, 999_000_000), Ok(Millis(1_000_000_000_999)));
    }

    #[test]
    fn instants_print_as_rfc_3339_and_saturate() {
        assert_eq!(Millis(caps::EARLIEST_MS + 7).to_string(), "2000-01-01T00:00:00.007Z");
        assert_eq!(Millis(caps::END_MS - 1).to_string(), "2199-12-31T23:59:59.999Z");
        assert_eq!(Millis(u64::MAX).to_string(), "18446744073709551615 ms");
        assert_eq!(Millis(u64::MAX) + Duration::from_secs(1), Millis(u64::MAX));
        assert_eq!(Millis(5) - Duration::from_secs(1), Millis(0));
        assert_eq!(Millis(5).since(Millis(7)), Duration::ZERO);
        assert_eq!(Millis(5).distance(Millis(7)), Duration::from_millis(2));
    }
}
