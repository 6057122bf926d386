//! Language tags: the shape of BCP 47 that the standard uses.

/// Whether a text is a tag `lang[-Script][-REGION]` in its canonical case, e.g.
/// `en`, `ps-Arab`, `fa-AF`, `es-419`.
pub fn is_language(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let language = parts.next().unwrap_or_default();
    if !(2..=3).contains(&language.len()) || !all(language, u8::is_ascii_lowercase) {
        return false;
    }
    let mut part = parts.next();
    if part.is_some_and(is_script) {
        part = parts.next();
    }
    part.is_none_or(is_region) && parts.next().is_none()
}

fn is_script(part: &str) -> bool {
    let [first, rest @ ..] = part.as_bytes() else {
        return false;
    };
    part.len() == 4 && first.is_ascii_uppercase() && rest.iter().all(u8::is_ascii_lowercase)
}

fn is_region(part: &str) -> bool {
    match part.len() {
        2 => all(part, u8::is_ascii_uppercase),
        3 => all(part, u8::is_ascii_digit),
        _ => false,
    }
}

fn all(part: &str, class: fn(&u8) -> bool) -> bool {
    part.as_bytes().iter().all(class)
}

#[cfg(test)]
mod tests {
    use super::is_language;

    #[test]
    fn tags_have_a_language_and_perhaps_a_script_and_a_region() {
        for tag in ["en", "ur", "ckb", "und", "ps-Arab", "fa-AF", "es-419", "zh-Hant-TW"] {
            assert!(is_language(tag), "{tag}");
        }
        for tag in [
            "",
            "e",
            "EN",
            "en-",
            "-en",
            "en-us",
            "en-Us",
            "en-USA",
            "ps-arab",
            "ps-ARAB",
            "eng1",
            "en-US-x",
            "en_US",
            "zh-TW-Hant",
            "en\u{200d}",
            "en-\u{e9}\u{e9}",
            "ps-\u{e9}rab",
        ] {
            assert!(!is_language(tag), "{tag}");
        }
    }
}
