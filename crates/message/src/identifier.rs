//! Numbers that check themselves: machine-readable zones, containers, vehicles, ships,
//! and the grammars of places and goods (V13).

mod container;
mod mrz;
mod vehicle;
mod vessel;

use thiserror::Error;

pub use container::ContainerNumber;
pub use mrz::{CheckDigit, Format, Mrz};
pub use vehicle::Vin;
pub use vessel::ImoNumber;

use crate::country::Country;

/// Why a number is refused. The messages never repeat the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum IdentifierError {
    /// Another length or other characters than its standard has.
    #[error("{0}")]
    Form(&'static str),
    /// The form is right, and the check digit is not the one that the rest gives.
    #[error("its check digit does not fit; compare it with the document or object")]
    CheckDigit,
}

/// A place of UN/LOCODE: a country and three letters or digits 2 to 9 (UNECE
/// Recommendation 16). Whether the place is listed is another question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Unlocode([u8; 5]);

impl Unlocode {
    /// Parses the five characters without a space, e.g. `PKTKM`.
    ///
    /// # Errors
    /// Any other form, and a country that ISO 3166-1 does not have, `XZ` (international
    /// waters) apart.
    pub fn parse(text: &str) -> Result<Self, IdentifierError> {
        const FORM: IdentifierError = IdentifierError::Form(
            "a UN/LOCODE has a country and three letters or digits 2 to 9, e.g. PKTKM",
        );
        let code = <[u8; 5]>::try_from(text.as_bytes()).or(Err(FORM))?;
        let country = text.get(..2).ok_or(FORM)?;
        let place = |byte: &u8| byte.is_ascii_uppercase() || (b'2'..=b'9').contains(byte);
        let known = country == "XZ" || Country::parse(country).is_ok();
        if known && code[2..].iter().all(place) { Ok(Self(code)) } else { Err(FORM) }
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("only ASCII is parsed")
    }
}

/// A subheading of the Harmonized System: six digits, chapter 01 to 99. Whether the
/// subheading is in use is another question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HsCode([u8; 6]);

impl HsCode {
    /// Parses six digits, e.g. `130219`.
    ///
    /// # Errors
    /// Any other form, chapter 00, and chapter 77, which the system keeps free.
    pub fn parse(text: &str) -> Result<Self, IdentifierError> {
        const FORM: IdentifierError = IdentifierError::Form(
            "a Harmonized System code has six digits, chapter 01 to 99 but 77, e.g. 130219",
        );
        let code = <[u8; 6]>::try_from(text.as_bytes()).or(Err(FORM))?;
        let free = code.starts_with(b"00") || code.starts_with(b"77");
        if code.iter().all(u8::is_ascii_digit) && !free { Ok(Self(code)) } else { Err(FORM) }
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("only ASCII is parsed")
    }
}

#[cfg(test)]
mod tests;
