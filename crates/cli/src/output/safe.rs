//! Text from outside, made harmless for terminals and logs.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Begins text whose direction does not reach beyond its end.
const FIRST_STRONG_ISOLATE: char = '\u{2068}';
/// Ends it.
const POP_DIRECTIONAL_ISOLATE: char = '\u{2069}';

/// The text with everything visible that could deceive or command: controls (ESC and
/// C1 too), direction overrides and isolates, line separators, and invisible
/// characters that no script needs, each as `\u{…}`. Letters of every script pass,
/// and so do the joiners between them.
pub(crate) fn safe(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hostile) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_hostile(character) {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

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

fn is_hostile(character: char) -> bool {
    match character {
        ' '..='~' => false,
        // Soft hyphen, Mongolian vowel separator, zero-width space.
        '\u{ad}' | '\u{180e}' | '\u{200b}' => true,
        // Line and paragraph separators, embeddings and overrides.
        '\u{2028}'..='\u{202e}' => true,
        // Word joiner, invisible operators, isolates, deprecated format characters.
        '\u{2060}'..='\u{206f}' => true,
        // Byte order mark, interlinear annotation, not characters, tags.
        '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' => true,
        _ if u32::from(character) & 0xfffe == 0xfffe => true,
        _ => character.is_control(),
    }
}

/// Letters of the right-to-left scripts, and the marks that act as such.
fn is_right_to_left(character: char) -> bool {
    matches!(character,
        '\u{590}'..='\u{8ff}' | '\u{200f}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}'
        | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
}
