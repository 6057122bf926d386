//! Machine-readable zones: ICAO Doc 9303, parts 3 to 7.

use std::fmt;

use super::IdentifierError;

/// Sizes of a machine-readable zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Cards: three lines of 30 (part 5).
    Td1,
    /// Two lines of 36 (part 6).
    Td2,
    /// Passports: two lines of 44 (part 4).
    Td3,
    /// Visas: two lines of 44 (part 7).
    MrvA,
    /// Visas: two lines of 36 (part 7).
    MrvB,
}

/// A check digit of a zone, by what it covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckDigit {
    /// The document's number.
    Number,
    /// The date of birth.
    Birth,
    /// The date of expiry.
    Expiry,
    /// The personal number of a passport.
    Personal,
    /// The whole.
    Composite,
}

impl CheckDigit {
    /// Its name in `Document.mrz_wrong_digits`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Birth => "birth",
            Self::Expiry => "expiry",
            Self::Personal => "personal",
            Self::Composite => "composite",
        }
    }
}

impl fmt::Display for CheckDigit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A machine-readable zone of one of the five sizes, and which of its check digits do
/// not fit. A wrong digit is no error of parsing: on a document that is suspected to be
/// forged it is what there is to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mrz {
    format: Format,
    wrong: Vec<CheckDigit>,
}

impl Mrz {
    /// Parses the lines of a zone.
    ///
    /// # Errors
    /// Lines that are no zone: their number, length or characters.
    pub fn parse<L: AsRef<str>>(lines: &[L]) -> Result<Self, IdentifierError> {
        const FORM: IdentifierError = IdentifierError::Form(
            "a machine-readable zone has 3 lines of 30, 2 of 36 or 2 of 44 characters A-Z, 0-9 \
             and <",
        );
        let lines: Vec<&[u8]> = lines.iter().map(|line| line.as_ref().as_bytes()).collect();
        if !lines.iter().all(|line| line.iter().all(|byte| value(*byte).is_some())) {
            return Err(FORM);
        }
        let lengths: Vec<usize> = lines.iter().map(|line| line.len()).collect();
        let is_visa = lines.first().is_some_and(|line| line.starts_with(b"V"));
        let format = match (lengths.as_slice(), is_visa) {
            ([30, 30, 30], _) => Format::Td1,
            ([36, 36], false) => Format::Td2,
            ([36, 36], true) => Format::MrvB,
            ([44, 44], false) => Format::Td3,
            ([44, 44], true) => Format::MrvA,
            _ => return Err(FORM),
        };
        let wrong = match format {
            Format::Td1 => card(lines[0], lines[1]),
            _ => two_lines(format, lines[1]),
        };
        Ok(Self { format, wrong })
    }

    /// Its size.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The check digits that do not fit, in order.
    pub fn wrong_digits(&self) -> &[CheckDigit] {
        &self.wrong
    }
}

/// The second line of all sizes but TD1.
fn two_lines(format: Format, line: &[u8]) -> Vec<CheckDigit> {
    let optional_end = if format == Format::Td3 { 42 } else { 35 };
    let long = (format == Format::Td2).then(|| &line[28..optional_end]);
    let mut fits = vec![
        (CheckDigit::Number, number(&line[..9], line[9], long)),
        (CheckDigit::Birth, is_digit(line[13..19].iter(), line[19])),
        (CheckDigit::Expiry, is_digit(line[21..27].iter(), line[27])),
    ];
    if format == Format::Td3 {
        let personal = &line[28..42];
        let empty = line[42] == b'<' && personal.iter().all(|byte| *byte == b'<');
        fits.push((CheckDigit::Personal, empty || is_digit(personal.iter(), line[42])));
    }
    if matches!(format, Format::Td2 | Format::Td3) {
        let last = line.len() - 1;
        let covered = line[..10].iter().chain(&line[13..20]).chain(&line[21..last]);
        fits.push((CheckDigit::Composite, is_digit(covered, line[last])));
    }
    wrong(fits)
}

/// The first two lines of TD1.
fn card(first: &[u8], second: &[u8]) -> Vec<CheckDigit> {
    let covered = first[5..].iter().chain(&second[..7]).chain(&second[8..15]);
    let covered = covered.chain(&second[18..29]);
    wrong(vec![
        (CheckDigit::Number, number(&first[5..14], first[14], Some(&first[15..]))),
        (CheckDigit::Birth, is_digit(second[..6].iter(), second[6])),
        (CheckDigit::Expiry, is_digit(second[8..14].iter(), second[14])),
        (CheckDigit::Composite, is_digit(covered, second[29])),
    ])
}

fn wrong(fits: Vec<(CheckDigit, bool)>) -> Vec<CheckDigit> {
    fits.into_iter().filter(|(_, fits)| !fits).map(|(digit, _)| digit).collect()
}

/// A document's number. One of more than nine characters goes on in the optional data,
/// behind a filler in place of its check digit, which then ends it (part 5, 4.2.2.2,
/// note j).
fn number(start: &[u8], check: u8, optional: Option<&[u8]>) -> bool {
    let rest = optional.map(|data| data.split(|byte| *byte == b'<').next().unwrap_or_default());
    match rest {
        Some([rest @ .., last]) if check == b'<' => is_digit(start.iter().chain(rest), *last),
        _ => is_digit(start.iter(), check),
    }
}

/// Whether a check digit is the one of the characters: weights 7, 3, 1 and the sum's
/// last digit (part 3, 4.9).
fn is_digit<'b>(characters: impl Iterator<Item = &'b u8>, check: u8) -> bool {
    let weights = [7, 3, 1].into_iter().cycle();
    let values = characters.map(|byte| value(*byte).unwrap_or(0));
    let sum: u32 = values.zip(weights).map(|(value, weight)| value * weight).sum();
    check.is_ascii_digit() && u32::from(check - b'0') == sum % 10
}

/// Digits count themselves, letters from 10 on, fillers nothing.
fn value(byte: u8) -> Option<u32> {
    match byte {
        b'<' => Some(0),
        b'0'..=b'9' => Some(u32::from(byte - b'0')),
        b'A'..=b'Z' => Some(u32::from(byte - b'A') + 10),
        _ => None,
    }
}
