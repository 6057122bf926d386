//! Ships: the IMO number.

use super::IdentifierError;

/// A ship's number (IMO resolution A.1117(30)): seven digits, the last the check digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ImoNumber([u8; 7]);

impl ImoNumber {
    /// Parses the seven digits without `IMO`, e.g. `9074729`.
    ///
    /// # Errors
    /// Another form, or a check digit that does not fit.
    pub fn parse(text: &str) -> Result<Self, IdentifierError> {
        const FORM: IdentifierError = IdentifierError::Form("an IMO number has seven digits");
        let number = <[u8; 7]>::try_from(text.as_bytes()).or(Err(FORM))?;
        if !number.iter().all(u8::is_ascii_digit) {
            return Err(FORM);
        }
        let digits = number.map(|byte| u32::from(byte - b'0'));
        let sum: u32 = digits[..6].iter().zip((2..=7).rev()).map(|(digit, by)| digit * by).sum();
        if sum % 10 == digits[6] { Ok(Self(number)) } else { Err(IdentifierError::CheckDigit) }
    }

    /// The number.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("only ASCII is parsed")
    }
}
