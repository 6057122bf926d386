//! What two people read to each other by telephone.

use std::fmt;
use std::str::FromStr;

use barid_message::digest::Digest;
use thiserror::Error;

/// 10^32: as many as 32 decimal digits can say.
const MODULUS: u128 = 10_u128.pow(32);
const DIGITS: usize = 32;
const GROUP: usize = 4;

/// A card's fingerprint: 8 groups of 4 decimal digits, since digits are the same word
/// for word in every language over a bad line.
///
/// It is the SHA-256 of the card's signed bytes (the payload of its envelope), read as a
/// big-endian number, modulo 10^32, with leading zeros. That is 106 bits: nobody finds
/// another card with the same digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(u128);

/// Not 32 digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a fingerprint has 32 digits, in 8 groups of 4; read all of them")]
pub struct FingerprintError;

impl Fingerprint {
    pub(super) fn of(payload: &[u8]) -> Self {
        let digest = Digest::of(payload);
        // Below 10^32 < 2^107, so that eight more bits fit.
        let number = |rest: u128, byte: &u8| (rest * 256 + u128::from(*byte)) % MODULUS;
        Self(digest.as_bytes().iter().fold(0, number))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:0DIGITS$}", self.0);
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && place % GROUP == 0 {
                f.write_str(" ")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Spaces and hyphens may stand anywhere.
impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let digits: String = text.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
        if digits.len() != DIGITS || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(FingerprintError);
        }
        digits.parse().map(Self).or(Err(FingerprintError))
    }
}

#[cfg(test)]
mod tests {
    use super::Fingerprint;

    #[test]
    fn fingerprints_are_as_the_definition_says() {
        // int(hashlib.sha256(b"abc").hexdigest(), 16) % 10**32
        let shown = Fingerprint::of(b"abc").to_string();
        assert_eq!(shown, "9501 6514 3774 6298 5829 7168 1708 9965");
        assert_eq!(shown.parse(), Ok(Fingerprint::of(b"abc")));
        assert_eq!(shown.replace(' ', "").parse(), Ok(Fingerprint::of(b"abc")));
        assert_eq!(shown.replace(' ', "-").parse(), Ok(Fingerprint::of(b"abc")));
        assert_eq!(Fingerprint(7).to_string(), "0000 0000 0000 0000 0000 0000 0000 0007");
    }

    #[test]
    fn anything_but_32_digits_is_none() {
        let long = "1".repeat(33);
        for text in ["", "1234", long.as_str(), "١٢٣٤١٢٣٤١٢٣٤١٢٣٤", &"a".repeat(32)]
        {
            assert!(text.parse::<Fingerprint>().is_err(), "{text}");
        }
    }
}
