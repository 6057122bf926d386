//! Text from outside, made harmless for terminals: isolates, and JSON's own escapes.

use std::borrow::Cow;
use std::fmt::Write as _;

use barid_message::shown::{is_hostile, safe};

/// Begins text whose direction does not reach beyond its end.
const FIRST_STRONG_ISOLATE: char = '\u{2068}';
/// Ends it.
const POP_DIRECTIONAL_ISOLATE: char = '\u{2069}';

/// As [`safe`], and for a terminal: text with right-to-left letters stands in an
/// isolate, so that it cannot change the order of what stands beside it.
pub(super) fn shown(text: &str, terminal: bool) -> Cow<'_, str> {
    let shown = safe(text);
    if terminal && shown.contains(is_right_to_left) {
        let isolated = format!("{FIRST_STRONG_ISOLATE}{shown}{POP_DIRECTIONAL_ISOLATE}");
        Cow::Owned(isolated)
    } else {
        shown
    }
}

/// JSON with the same characters escaped in JSON's own way: the same data for a
/// parser, harmless for a terminal. They occur in strings only.
pub(super) fn json(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hostile) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_hostile(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(escaped, "\\u{unit:04x}").expect("writing to a String cannot fail");
            }
        } else {
            escaped.push(character);
        }
    }
    Cow::Owned(escaped)
}

/// Letters of the right-to-left scripts, and the marks that act as such.
fn is_right_to_left(character: char) -> bool {
    matches!(character,
        '\u{590}'..='\u{8ff}' | '\u{200f}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}'
        | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
}
