//! Addresses of agencies and their units: `<cc>/<agency>[/<unit>]`.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use thiserror::Error;

pub use crate::country::{Country, CountryUnknown};

/// The address of one inbox: an agency, or a unit of an agency.
///
/// Grammar (SPINE §6.4): `[a-z]{2}(/[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?){1,2}`, the
/// first label a country of ISO 3166-1. A clone is a pointer.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(Arc<str>);

/// Why a text is not an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AddressError {
    /// It does not follow the grammar.
    #[error("not of the form <cc>/<agency>[/<unit>] in lower-case ASCII, e.g. pk/customs")]
    Grammar,
    /// Its first label is no country.
    #[error("the first label is not a country of ISO 3166-1 alpha-2")]
    Country,
}

/// Most characters of one label.
const LABEL_MAX: usize = 32;

impl Address {
    /// Parses an address.
    ///
    /// # Errors
    /// [`AddressError`], grammar before country.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let (country, labels) = text.split_once('/').ok_or(AddressError::Grammar)?;
        if country.len() != 2 || !country.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return Err(AddressError::Grammar);
        }
        let (agency, unit) = match labels.split_once('/') {
            Some((agency, unit)) => (agency, Some(unit)),
            None => (labels, None),
        };
        if !is_label(agency) || !unit.is_none_or(is_label) {
            return Err(AddressError::Grammar);
        }
        Country::parse_lower(country).or(Err(AddressError::Country))?;
        Ok(Self(text.into()))
    }

    /// The text of the address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The country of the agency.
    pub fn country(&self) -> Country {
        Country::parse_lower(&self.0[..2]).expect("parsing an address checks its country")
    }

    /// The agency: the address itself, or the one that the unit belongs to.
    #[must_use]
    pub fn agency(&self) -> Self {
        match self.unit_slash() {
            Some(end) => Self(self.0[..end].into()),
            None => self.clone(),
        }
    }

    /// Whether this is a unit of an agency.
    pub fn is_unit(&self) -> bool {
        self.unit_slash().is_some()
    }

    /// Where the unit's label begins.
    fn unit_slash(&self) -> Option<usize> {
        self.0[3..].find('/').map(|at| at + 3)
    }
}

/// Whether a text is one label: letters and digits, hyphens only inside.
fn is_label(label: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=LABEL_MAX).contains(&label.len())
        && label.bytes().all(inner)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        Self::parse(text)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Address, AddressError};

    #[test]
    fn addresses_have_a_country_an_agency_and_perhaps_a_unit() {
        let agency = Address::parse("pk/customs").unwrap();
        let unit = Address::parse("ir/police/mirjaveh-2").unwrap();
        assert!(!agency.is_unit() && unit.is_unit());
        assert_eq!(agency.agency(), agency);
        assert_eq!(unit.agency().as_str(), "ir/police");
        assert_eq!(unit.country().as_str(), "IR");
        assert_eq!(Address::parse("af/a").unwrap().agency().as_str(), "af/a");
        assert!(Address::parse(&format!("af/{}", "a".repeat(32))).is_ok());
    }

    #[test]
    fn everything_else_is_refused() {
        let long = format!("af/{}", "a".repeat(33));
        for text in [
            "",
            "pk",
            "pk/",
            "/customs",
            "PK/customs",
            "pk/Customs",
            "pk/-a",
            "pk/a-",
            "pk/a/",
            "pk/a/b/c",
            "pk//a",
            "pk/a b",
            "pk/p\u{43e}lice",
            "pk/pol\u{200d}ice",
            "$audit",
            "pk/$audit",
            "pk/caf\u{e9}",
            "pk/a\n",
            &long,
        ] {
            assert_eq!(Address::parse(text), Err(AddressError::Grammar), "{text:?}");
        }
        for text in ["xx/police", "uk/police", "zz/a/b"] {
            assert_eq!(Address::parse(text), Err(AddressError::Country), "{text:?}");
        }
    }
}
