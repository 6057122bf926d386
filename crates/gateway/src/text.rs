//! Text from outside, made fit for a standard message.
//!
//! What is normalised, and nothing else: NFC; line ends to LF; byte order marks, soft
//! hyphens, zero-width spaces and word joiners, which show nothing, taken out, as are
//! zero-width joiners that stand between no letters; blanks at either end cut; in names, codes and values of one
//! line, every run of blanks made one space. A record with any other character that
//! a message may not hold is not mapped.

use barid_message::{
    caps,
    text::{Layout, check, is_web_address, normalise},
};
use barid_proto::message::v1 as pb;
use unicode_normalization::char::is_combining_mark;

use crate::source::{Reason, quote};

/// A name, code or value: all blanks become single spaces.
pub(crate) fn line(field: &str, raw: &str) -> Result<String, Reason> {
    let text = without_invisible(raw);
    fit(field, text.split_whitespace().collect::<Vec<_>>().join(" "), Layout::Line)
}

/// A text of several lines.
pub(crate) fn block(field: &str, raw: &str) -> Result<String, Reason> {
    let text = fit(field, without_invisible(raw).trim().to_owned(), Layout::Lines)?;
    if text.len() > caps::TEXT_BYTES_MAX {
        return Err(Reason::TooLarge { what: "text", limit: caps::TEXT_BYTES_MAX });
    }
    Ok(text)
}

/// A name, code or value of at most `chars_max` characters.
pub(crate) fn short_line(field: &str, raw: &str, chars_max: usize) -> Result<String, Reason> {
    let text = line(field, raw)?;
    if text.chars().count() > chars_max {
        return Err(Reason::BadValue {
            field: field.to_owned(),
            value: quote(&text),
            expected: "short enough for its field",
        });
    }
    Ok(text)
}

/// The web addresses of a cell that lists them, and what else stands there.
pub(crate) fn web_addresses(field: &str, raw: &str) -> Result<(Vec<String>, String), Reason> {
    let text = line(field, raw)?;
    let words = text.split(' ').map(|word| word.trim_matches([',', ';']));
    let fits = |word: &&str| is_web_address(word) && word.chars().count() <= caps::URL_CHARS_MAX;
    let (addresses, rest): (Vec<&str>, Vec<&str>) =
        words.filter(|word| !word.is_empty()).partition(fits);
    if addresses.len() >= caps::SOURCES_MAX {
        let found = addresses.len();
        return Err(Reason::TooMany { what: "web addresses", found, limit: caps::SOURCES_MAX - 1 });
    }
    Ok((addresses.into_iter().map(str::to_owned).collect(), rest.join(" ")))
}

/// A text in one language, as its author wrote it. Empty text gives none.
pub(crate) fn original(language: &str, text: String) -> Option<pb::Text> {
    (!text.is_empty()).then(|| pb::Text {
        language: language.to_owned(),
        direction: pb::Direction::Unspecified.into(),
        text,
        origin: pb::TextOrigin::Original.into(),
    })
}

/// A value kept verbatim from another system; absent where empty.
pub(crate) fn named(name: &str, value: &str) -> Result<Option<pb::NamedValue>, Reason> {
    let value = block(name, value)?;
    if value.is_empty() {
        return Ok(None);
    }
    let name = short_line("name of a value", name, caps::LINE_CHARS_MAX)?;
    Ok(Some(pb::NamedValue { name, value }))
}

fn fit(field: &str, mut text: String, layout: Layout) -> Result<String, Reason> {
    normalise(&mut text);
    let refused = |error| Reason::ForbiddenText { field: quote(field), error };
    check(&text, layout).map_err(refused)?;
    Ok(text)
}

/// Line ends as LF, without marks that show nothing.
fn without_invisible(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut previous = None;
    let shows_nothing = |c: &char| matches!(c, '\u{feff}' | '\u{ad}' | '\u{200b}' | '\u{2060}');
    let mut chars = raw.chars().filter(|c| !shows_nothing(c)).peekable();
    while let Some(c) = chars.next() {
        let next = chars.peek().copied();
        match c {
            '\r' if next == Some('\n') => {}
            '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => text.push('\n'),
            '\u{200c}' | '\u{200d}' if !(joins(previous) && joins(next)) => {}
            c => text.push(c),
        }
        previous = Some(c);
    }
    text
}

/// Whether a zero-width joiner may stand beside this character.
fn joins(c: Option<char>) -> bool {
    c.is_some_and(|c| c.is_alphabetic() || is_combining_mark(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalises_what_shows_nothing() {
        assert_eq!(block("t", "\u{feff}a\r\nb\tc\u{ad}\rd ").unwrap(), "a\nb\tc\nd");
        assert_eq!(line("t", "Ta\u{200b}lo\u{2060}qan").unwrap(), "Taloqan");
        assert_eq!(line("t", " Arad \n\t County ").unwrap(), "Arad County");
        assert_eq!(line("t", "e\u{301}").unwrap(), "é");
        assert_eq!(line("t", "می\u{200c}روم").unwrap(), "می\u{200c}روم");
        assert_eq!(line("t", "a\u{200d} b").unwrap(), "a b");
    }

    #[test]
    fn tells_web_addresses_from_other_words() {
        let of = |cell: &str| web_addresses("t", cell).unwrap();
        let (a, b) = ("https://a.example/1,2".to_owned(), "http://b.example".to_owned());
        assert_eq!(of(""), (vec![], String::new()));
        assert_eq!(of("https://a.example/1,2, http://b.example;"), (vec![a, b], String::new()));
        assert_eq!(of("www.c.example , page 3").1, "www.c.example page 3");
        assert!(web_addresses("t", &"https://a ".repeat(16)).is_err());
    }

    #[test]
    fn refuses_what_misleads() {
        for bad in ["a\u{202e}b", "a\u{0}", "\u{1b}[31m", "\u{2066}open", "close\u{2069}"] {
            assert!(matches!(block("t", bad), Err(Reason::ForbiddenText { .. })), "{bad:?}");
        }
        assert_eq!(line("t", "\u{2067}x\u{2069}").unwrap(), "\u{2067}x\u{2069}");
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics_and_what_passes_is_fit(raw in proptest::prelude::any::<String>()) {
            if let Ok(text) = line("t", &raw) {
                proptest::prop_assert!(check(&text, Layout::Line).is_ok());
            }
            if let Ok(text) = block("t", &raw) {
                proptest::prop_assert!(check(&text, Layout::Lines).is_ok());
            }
        }
    }
}
