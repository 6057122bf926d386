//! Countries: ISO 3166-1 alpha-2.

use std::fmt;

use thiserror::Error;

/// A country of ISO 3166-1, by its alpha-2 code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

/// Not an upper-case alpha-2 code of ISO 3166-1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a country of ISO 3166-1 alpha-2 in upper case, e.g. PK")]
pub struct CountryUnknown;

impl Country {
    /// Parses the upper-case form used in bodies, e.g. `PK`.
    ///
    /// # Errors
    /// Any other form, and codes that ISO 3166-1 does not assign (`UK`, `EL`, `XX`).
    pub fn parse(code: &str) -> Result<Self, CountryUnknown> {
        let bytes = <[u8; 2]>::try_from(code.as_bytes()).or(Err(CountryUnknown))?;
        match CODES.binary_search(&&bytes) {
            Ok(_) => Ok(Self(bytes)),
            Err(_) => Err(CountryUnknown),
        }
    }

    /// Parses the lower-case form used in addresses, e.g. `pk`.
    ///
    /// # Errors
    /// As [`Country::parse`].
    pub fn parse_lower(code: &str) -> Result<Self, CountryUnknown> {
        if code.bytes().all(|byte| byte.is_ascii_lowercase()) {
            Self::parse(&code.to_ascii_uppercase())
        } else {
            Err(CountryUnknown)
        }
    }

    /// The upper-case code, e.g. `PK`.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("only codes of the table, all ASCII, are constructed")
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The 249 officially assigned codes, sorted.
#[rustfmt::skip]
const CODES: &[&[u8; 2]] = &[
    b"AD", b"AE", b"AF", b"AG", b"AI", b"AL", b"AM", b"AO", b"AQ", b"AR", b"AS", b"AT", b"AU",
    b"AW", b"AX", b"AZ", b"BA", b"BB", b"BD", b"BE", b"BF", b"BG", b"BH", b"BI", b"BJ", b"BL",
    b"BM", b"BN", b"BO", b"BQ", b"BR", b"BS", b"BT", b"BV", b"BW", b"BY", b"BZ", b"CA", b"CC",
    b"CD", b"CF", b"CG", b"CH", b"CI", b"CK", b"CL", b"CM", b"CN", b"CO", b"CR", b"CU", b"CV",
    b"CW", b"CX", b"CY", b"CZ", b"DE", b"DJ", b"DK", b"DM", b"DO", b"DZ", b"EC", b"EE", b"EG",
    b"EH", b"ER", b"ES", b"ET", b"FI", b"FJ", b"FK", b"FM", b"FO", b"FR", b"GA", b"GB", b"GD",
    b"GE", b"GF", b"GG", b"GH", b"GI", b"GL", b"GM", b"GN", b"GP", b"GQ", b"GR", b"GS", b"GT",
    b"GU", b"GW", b"GY", b"HK", b"HM", b"HN", b"HR", b"HT", b"HU", b"ID", b"IE", b"IL", b"IM",
    b"IN", b"IO", b"IQ", b"IR", b"IS", b"IT", b"JE", b"JM", b"JO", b"JP", b"KE", b"KG", b"KH",
    b"KI", b"KM", b"KN", b"KP", b"KR", b"KW", b"KY", b"KZ", b"LA", b"LB", b"LC", b"LI", b"LK",
    b"LR", b"LS", b"LT", b"LU", b"LV", b"LY", b"MA", b"MC", b"MD", b"ME", b"MF", b"MG", b"MH",
    b"MK", b"ML", b"MM", b"MN", b"MO", b"MP", b"MQ", b"MR", b"MS", b"MT", b"MU", b"MV", b"MW",
    b"MX", b"MY", b"MZ", b"NA", b"NC", b"NE", b"NF", b"NG", b"NI", b"NL", b"NO", b"NP", b"NR",
    b"NU", b"NZ", b"OM", b"PA", b"PE", b"PF", b"PG", b"PH", b"PK", b"PL", b"PM", b"PN", b"PR",
    b"PS", b"PT", b"PW", b"PY", b"QA", b"RE", b"RO", b"RS", b"RU", b"RW", b"SA", b"SB", b"SC",
    b"SD", b"SE", b"SG", b"SH", b"SI", b"SJ", b"SK", b"SL", b"SM", b"SN", b"SO", b"SR", b"SS",
    b"ST", b"SV", b"SX", b"SY", b"SZ", b"TC", b"TD", b"TF", b"TG", b"TH", b"TJ", b"TK", b"TL",
    b"TM", b"TN", b"TO", b"TR", b"TT", b"TV", b"TW", b"TZ", b"UA", b"UG", b"UM", b"US", b"UY",
    b"UZ", b"VA", b"VC", b"VE", b"VG", b"VI", b"VN", b"VU", b"WF", b"WS", b"YE", b"YT", b"ZA",
    b"ZM", b"ZW",
];

#[cfg(test)]
mod tests {
    use super::{CODES, Country};

    #[test]
    fn the_table_is_sorted_and_whole() {
        assert_eq!(CODES.len(), 249);
        assert!(CODES.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn only_assigned_codes_in_the_right_case_are_countries() {
        assert_eq!(Country::parse("PK").unwrap().as_str(), "PK");
        assert_eq!(Country::parse_lower("ir").unwrap().to_string(), "IR");
        for code in ["XX", "UK", "EL", "ZZ", "pl", "POL", "", "P", "РL"] {
            assert!(Country::parse(code).is_err(), "{code}");
        }
        for code in ["PK", "uk", "xx", "Pk", "p-"] {
            assert!(Country::parse_lower(code).is_err(), "{code}");
        }
    }
}
