use proptest::prelude::{any, prop_assert, proptest};

use super::{Layout, TextError, check, is_web_address, normalise};

#[test]
fn the_scripts_of_the_silk_routes_pass() {
    for text in [
        "Torkham crossing closed, 14:30",
        // Persian and Urdu with a zero-width non-joiner, Pashto, Sorani, Arabic with marks.
        "می\u{200c}خواهم گزارش بدهم",
        "د تورخم لاره",
        "سنووری باشماخ",
        "قُلْ هُوَ ٱللَّهُ أَحَدٌ",
        // Bengali with a joiner before a virama, and a virama before a non-joiner.
        "র\u{200d}্য\u{9be}ব",
        "ক্\u{200c}ষ",
        "边境口岸 границa Қазақстан",
        "on \u{2067}تورخم\u{2069} road",
        "Việt Nam",
    ] {
        assert_eq!(check(text, Layout::Line), Ok(()), "{text}");
    }
    assert_eq!(check("تهران ۱۲ ب ۳۴۵", Layout::Id), Ok(()));
    assert_eq!(check("first\n\tsecond", Layout::Lines), Ok(()));
}

#[test]
fn what_deceives_is_refused() {
    let mark = "a\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}\u{307}\u{308}\u{309}\u{30a}";
    for (text, fault) in [
        ("a\u{1b}[2J", TextError::Control),
        ("a\0", TextError::Control),
        ("a\u{7f}", TextError::Control),
        ("a\u{85}", TextError::Control),
        ("a\r\n", TextError::Control),
        ("a\u{202e}b", TextError::Direction),
        ("a\u{202a}b\u{202c}", TextError::Direction),
        ("a\u{2067}b", TextError::Direction),
        ("a\u{2069}b\u{2067}", TextError::Direction),
        ("a\u{2067}b\nc\u{2069}", TextError::Direction),
        ("\u{feff}a", TextError::Invisible),
        ("so\u{ad}ft", TextError::Invisible),
        ("zero\u{200b}width", TextError::Invisible),
        ("word\u{2060}joiner", TextError::Invisible),
        ("line\u{2028}line", TextError::Separator),
        ("line\u{2029}line", TextError::Separator),
        ("a\u{200d}", TextError::Joiner),
        ("\u{200c}a", TextError::Joiner),
        ("a\u{200d}1", TextError::Joiner),
        ("a\u{200d}\u{200d}b", TextError::Joiner),
        (mark, TextError::Marks),
        ("e\u{301}", TextError::NotNfc),
        ("\u{212b}", TextError::NotNfc),
    ] {
        assert_eq!(check(text, Layout::Lines), Err(fault), "{text:?}");
    }
    for text in ["a\nb", "a\tb"] {
        assert_eq!(check(text, Layout::Line), Err(TextError::Control), "{text:?}");
        assert_eq!(check(text, Layout::Id), Err(TextError::Control), "{text:?}");
    }
    for text in ["LES\u{200d}A", "می\u{200c}خ"] {
        assert_eq!(check(text, Layout::Line), Ok(()), "{text:?}");
        assert_eq!(check(text, Layout::Id), Err(TextError::JoinerInId), "{text:?}");
    }
}

#[test]
fn web_addresses_are_of_http_and_of_one_word() {
    for text in ["https://example.org/a?b=c#d", "HTTP://x", "http://گمرک.ایران/در"] {
        assert!(is_web_address(text), "{text:?}");
    }
    for text in [
        "",
        "https://",
        "www.example.org",
        "ftp://example.org",
        "javascript:alert(1)",
        "https:/example.org",
        " https://example.org",
        "https://a, https://b",
        "https://a\u{a0}b",
        "https://a\nb",
        "https://a\u{1b}[2J",
        "https://a\u{200d}b",
        "http\u{e9}",
    ] {
        assert!(!is_web_address(text), "{text:?}");
    }
}

proptest! {
    #[test]
    fn normalised_text_is_never_refused_for_its_form(text in any::<String>()) {
        let mut text = text;
        normalise(&mut text);
        prop_assert!(check(&text, Layout::Lines) != Err(TextError::NotNfc));
    }
}
