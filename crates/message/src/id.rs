//! Message ids: UUID version 7 as lower-case text.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;
use uuid::{Builder, Uuid, Variant};

use crate::time::Millis;

/// The id of a message, unique within its originating agency: a UUIDv7 (RFC 9562),
/// whose order is the order of creation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(Uuid);

/// Not a UUIDv7 in lower-case hyphenated text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a UUID version 7 as 36 lower-case characters")]
pub struct MessageIdError;

impl MessageId {
    /// A new id, from the time of creation and ten random bytes.
    pub fn new(now: Millis, random: [u8; 10]) -> Self {
        Self(Builder::from_unix_timestamp_millis(now.0, &random).into_uuid())
    }

    /// Parses the one textual form: 36 characters, lower case, hyphenated.
    ///
    /// # Errors
    /// Any other form, the nil id, and other versions or variants.
    pub fn parse(text: &str) -> Result<Self, MessageIdError> {
        if text.len() != 36 || text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(MessageIdError);
        }
        Self::of(Uuid::parse_str(text).or(Err(MessageIdError))?)
    }

    /// Reads the sixteen bytes of an id.
    ///
    /// # Errors
    /// Bytes that are not a UUIDv7.
    pub fn from_bytes(bytes: [u8; 16]) -> Result<Self, MessageIdError> {
        Self::of(Uuid::from_bytes(bytes))
    }

    fn of(uuid: Uuid) -> Result<Self, MessageIdError> {
        if uuid.get_version_num() == 7 && uuid.get_variant() == Variant::RFC4122 {
            Ok(Self(uuid))
        } else {
            Err(MessageIdError)
        }
    }

    /// Its time of creation, in milliseconds since 1970 (48 bits).
    pub fn unix_ms(&self) -> u64 {
        let mut eight = [0; 8];
        eight[2..].copy_from_slice(&self.0.as_bytes()[..6]);
        u64::from_be_bytes(eight)
    }

    /// Its sixteen bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl FromStr for MessageId {
    type Err = MessageIdError;

    fn from_str(text: &str) -> Result<Self, MessageIdError> {
        Self::parse(text)
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.as_hyphenated(), f)
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::MessageId;
    use crate::time::Millis;

    proptest! {
        #[test]
        fn ids_keep_their_time_and_survive_text_and_bytes(
            ms in 0..(1_u64 << 48), later in 1..1_000_u64, random in any::<[u8; 10]>()
        ) {
            let id = MessageId::new(Millis(ms), random);
            prop_assert_eq!(id.unix_ms(), ms);
            prop_assert_eq!(MessageId::parse(&id.to_string()), Ok(id));
            prop_assert_eq!(MessageId::from_bytes(*id.as_bytes()), Ok(id));
            if ms + later < 1 << 48 {
                prop_assert!(id < MessageId::new(Millis(ms + later), [0; 10]));
            }
        }
    }

    #[test]
    fn other_uuids_and_other_forms_are_refused() {
        for text in [
            "",
            "00000000-0000-0000-0000-000000000000",
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
            "550e8400-e29b-41d4-a716-446655440000",
            "017F22E2-79B0-7CC3-98C4-DC0C0C07398F",
            "017f22e279b07cc398c4dc0c0c07398f",
            "{017f22e2-79b0-7cc3-98c4-dc0c0c07398f}",
            "urn:uuid:017f22e2-79b0-7cc3-98c4-dc0c0c07398f",
            "017f22e2-79b0-7cc3-18c4-dc0c0c07398f",
            "017f22e2-79b0-7cc3-98c4-dc0c0c07398\u{200d}",
        ] {
            assert!(MessageId::parse(text).is_err(), "{text}");
        }
        // The example of RFC 9562, A.6.
        let id = MessageId::parse("017f22e2-79b0-7cc3-98c4-dc0c0c07398f").unwrap();
        assert_eq!(id.unix_ms(), 1_645_557_742_000);
    }
}
