//! Text from outside, made harmless for terminals and logs.

use std::borrow::Cow;

/// The text with everything visible that could deceive or command: controls (ESC and
/// C1 too), direction overrides and isolates, line separators, and invisible
/// characters that no script needs, each as `\u{…}`. Letters of every script pass,
/// and so do the joiners between them.
#[must_use]
pub fn safe(text: &str) -> Cow<'_, str> {
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

/// Whether a character could deceive or command.
#[must_use]
pub fn is_hostile(character: char) -> bool {
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
