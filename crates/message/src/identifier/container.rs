//! Freight containers: ISO 6346.

use super::IdentifierError;

/// A container's number: owner (three letters), category (U, J or Z), six digits, and
/// a check digit (ISO 6346).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ContainerNumber([u8; 11]);

impl ContainerNumber {
    /// Parses the eleven characters without spaces, e.g. `CSQU3054383`.
    ///
    /// # Errors
    /// Another form, or a check digit that does not fit.
    pub fn parse(text: &str) -> Result<Self, IdentifierError> {
        const FORM: IdentifierError = IdentifierError::Form(
            "a container number of ISO 6346 has three letters, U, J or Z, and seven digits",
        );
        let number = <[u8; 11]>::try_from(text.as_bytes()).or(Err(FORM))?;
        let (letters, digits) = number.split_at(4);
        let owner = letters.iter().all(u8::is_ascii_uppercase);
        if !owner || !b"UJZ".contains(&letters[3]) || !digits.iter().all(u8::is_ascii_digit) {
            return Err(FORM);
        }
        let sum: u32 = number[..10].iter().zip(0..).map(|(byte, at)| value(*byte) << at).sum();
        if sum % 11 % 10 == value(number[10]) {
            Ok(Self(number))
        } else {
            Err(IdentifierError::CheckDigit)
        }
    }

    /// The number.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("only ASCII is parsed")
    }
}

/// Digits count themselves; letters from 10 on, multiples of 11 left out.
fn value(byte: u8) -> u32 {
    if byte.is_ascii_digit() {
        return u32::from(byte - b'0');
    }
    let letter = u32::from(byte - b'A');
    let left_out = [1, 11, 21].iter().filter(|first| letter >= **first).count();
    10 + letter + u32::try_from(left_out).unwrap_or(0)
}
