//! Road vehicles: the vehicle identification number.

use super::IdentifierError;

/// A vehicle identification number (ISO 3779): 17 capital letters and digits without I,
/// O and Q. Its ninth character is a check digit where the law of its maker's region
/// says so: North America (49 CFR 565), first character 1 to 5. Others use it freely.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Vin([u8; 17]);

/// Weights of 49 CFR 565.15 (c); the ninth is the check digit's own.
const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];

impl Vin {
    /// Parses the 17 characters, e.g. `1M8GDM9AXKP042788`.
    ///
    /// # Errors
    /// Another form, or a check digit that does not fit where there must be one.
    pub fn parse(text: &str) -> Result<Self, IdentifierError> {
        const FORM: IdentifierError = IdentifierError::Form(
            "a VIN of ISO 3779 has 17 capital letters and digits without I, O and Q",
        );
        let vin = <[u8; 17]>::try_from(text.as_bytes()).or(Err(FORM))?;
        let mut sum = 0;
        for (byte, weight) in vin.iter().zip(WEIGHTS) {
            sum += value(*byte).ok_or(FORM)? * weight;
        }
        let expected = if sum % 11 == 10 { Some(b'X') } else { digit(sum % 11) };
        if (b'1'..=b'5').contains(&vin[0]) && expected != Some(vin[8]) {
            return Err(IdentifierError::CheckDigit);
        }
        Ok(Self(vin))
    }

    /// The number.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("only ASCII is parsed")
    }
}

fn digit(value: u32) -> Option<u8> {
    u8::try_from(value).ok().map(|value| b'0' + value)
}

/// The value of a character by the table of 49 CFR 565.15 (c); None for I, O, Q and
/// what is neither capital letter nor digit.
fn value(byte: u8) -> Option<u32> {
    match byte {
        b'0'..=b'9' => Some(u32::from(byte - b'0')),
        b'A'..=b'H' => Some(u32::from(byte - b'A') + 1),
        b'J'..=b'N' => Some(u32::from(byte - b'J') + 1),
        b'P' => Some(7),
        b'R' => Some(9),
        b'S'..=b'Z' => Some(u32::from(byte - b'S') + 2),
        _ => None,
    }
}
