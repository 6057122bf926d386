//! `google.protobuf.Timestamp`, whose JSON form ends in `Z`.
//!
//! Canonical proto3 JSON is "always Z-normalized"; the form that comes with pbjson
//! writes `+00:00`.

use chrono::{DateTime, SecondsFormat};
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment, UTC.
#[derive(Clone, Copy, Eq, Hash, PartialEq, prost::Message)]
pub struct Timestamp {
    /// Seconds since 1970.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// Nanoseconds within the second, 0 to 999,999,999.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let moment = u32::try_from(self.nanos)
            .ok()
            .and_then(|nanos| DateTime::from_timestamp(self.seconds, nanos))
            .ok_or_else(|| S::Error::custom("a timestamp is out of range"))?;
        serializer.serialize_str(&moment.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let moment = DateTime::parse_from_rfc3339(&text)
            .map_err(|_| D::Error::custom("a time is RFC 3339, e.g. 2027-01-15T08:00:00Z"))?;
        let nanos = i32::try_from(moment.timestamp_subsec_nanos())
            .map_err(|_| D::Error::custom("a leap second has no timestamp"))?;
        Ok(Self { seconds: moment.timestamp(), nanos })
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn times_end_in_z_and_any_offset_is_read() {
        for (seconds, nanos, text) in [
            (1_800_000_000, 0, "2027-01-15T08:00:00Z"),
            (1_800_000_000, 120_000_000, "2027-01-15T08:00:00.120Z"),
            (-1, 999_999_999, "1969-12-31T23:59:59.999999999Z"),
        ] {
            let time = Timestamp { seconds, nanos };
            assert_eq!(serde_json::to_value(time).unwrap(), text);
            assert_eq!(serde_json::from_value::<Timestamp>(text.into()).unwrap(), time);
        }
        let karachi = serde_json::from_value::<Timestamp>("2027-01-15T13:00:00+05:00".into());
        assert_eq!(karachi.unwrap().seconds, 1_800_000_000);
        for wrong in ["2027-01-15", "2027-01-15T08:00:00", "yesterday", ""] {
            assert!(serde_json::from_value::<Timestamp>(wrong.into()).is_err(), "{wrong}");
        }
        assert!(serde_json::to_value(Timestamp { seconds: i64::MAX, nanos: 0 }).is_err());
        assert!(serde_json::to_value(Timestamp { seconds: 0, nanos: -1 }).is_err());
    }
}
