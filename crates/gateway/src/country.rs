//! Countries as sources name them, as ISO 3166-1 alpha-2 codes.

use self::codes::COUNTRIES;

mod codes;

/// Alpha-2 code of a country given as alpha-2, alpha-3 or an English name. `None`
/// for lists of countries, seas and everything else: a country is never guessed.
pub(crate) fn alpha2(text: &str) -> Option<&'static str> {
    let text = text.trim();
    COUNTRIES
        .iter()
        .find(|(code, code3, names)| {
            *code == text
                || *code3 == text
                || names.split('|').any(|name| name.eq_ignore_ascii_case(text))
        })
        .map(|(code, _, _)| *code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_forms_that_sources_use() {
        for (text, code) in [
            ("BGD", "BD"),
            ("Türkiye", "TR"),
            ("Turkey", "TR"),
            ("Iran (Islamic Republic of)", "IR"),
            ("Syrian Arab Republic", "SY"),
            ("united kingdom of Great Britain and northern ireland", "GB"),
            ("PK", "PK"),
        ] {
            assert_eq!(alpha2(text), Some(code), "{text}");
        }
        for none in ["NA ", "Greece,Türkiye", "Gulf of Aden", "bgd", "ir", ""] {
            let expected = (none == "NA ").then_some("NA");
            assert_eq!(alpha2(none), expected, "{none}");
        }
    }

    #[test]
    fn the_table_is_sorted_and_standard() {
        assert!(COUNTRIES.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for (code, _, _) in COUNTRIES {
            let address = format!("{}/customs", code.to_lowercase());
            assert!(barid_message::address::Address::parse(&address).is_ok(), "{code}");
        }
    }
}
