//! Text that cannot deceive: NFC, no controls, no direction overrides, joiners only
//! where a script needs them (V14, SPINE §6.7).

use thiserror::Error;
use unicode_normalization::char::is_combining_mark;
use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::caps;

/// What a text is, which says what it may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// An id or a code, which is compared and looked up: one line without joiners, so
    /// that no two that differ look alike.
    Id,
    /// One line: no control character at all.
    Line,
    /// Lines: tab and line feed are allowed.
    Lines,
}

/// Why a text is refused. The messages name classes of characters, never the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TextError {
    /// A control character.
    #[error("holds a control character; tab and line feed are allowed in texts of bodies only")]
    Control,
    /// U+202A to U+202E, or an isolate without its end in the same line.
    #[error("holds a direction override, or an isolate that is not closed in its line")]
    Direction,
    /// U+2028 or U+2029: to some readers the end of a line, to others nothing.
    #[error("holds a line or paragraph separator; texts of bodies have line feeds")]
    Separator,
    /// A byte order mark, soft hyphen, zero-width space or word joiner: no script needs
    /// them, and two texts that differ by one look alike.
    #[error("holds a byte order mark, soft hyphen, zero-width space or word joiner; leave it out")]
    Invisible,
    /// U+200C or U+200D elsewhere than between letters.
    #[error("holds a zero-width joiner or non-joiner that does not stand between letters")]
    Joiner,
    /// U+200C or U+200D in an id or code.
    #[error("holds a zero-width joiner or non-joiner, which ids and codes may not")]
    JoinerInId,
    /// More combining marks in a row than any script needs.
    #[error("holds more than {} combining marks in a row", caps::COMBINING_MARKS_MAX)]
    Marks,
    /// Not in Normalization Form C.
    #[error("is not in Unicode Normalization Form C; normalise before signing")]
    NotNfc,
}

/// Checks a text.
///
/// # Errors
/// The first [`TextError`] found.
pub fn check(text: &str, layout: Layout) -> Result<(), TextError> {
    if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return Ok(());
    }
    check_characters(text, layout)?;
    if is_nfc(text) { Ok(()) } else { Err(TextError::NotNfc) }
}

fn check_characters(text: &str, layout: Layout) -> Result<(), TextError> {
    let mut isolates = 0_usize;
    let mut marks = 0_usize;
    let mut before = None;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\n' if layout == Layout::Lines && isolates > 0 => return Err(TextError::Direction),
            '\t' | '\n' if layout == Layout::Lines => {}
            // C0, DEL and C1.
            _ if character.is_control() => return Err(TextError::Control),
            '\u{202a}'..='\u{202e}' => return Err(TextError::Direction),
            '\u{2066}'..='\u{2068}' => isolates += 1,
            '\u{2069}' => isolates = isolates.checked_sub(1).ok_or(TextError::Direction)?,
            '\u{2028}' | '\u{2029}' => return Err(TextError::Separator),
            '\u{feff}' | '\u{ad}' | '\u{200b}' | '\u{2060}' => return Err(TextError::Invisible),
            '\u{200c}' | '\u{200d}' if layout == Layout::Id => return Err(TextError::JoinerInId),
            '\u{200c}' | '\u{200d}' => {
                let between = [before, characters.peek().copied()];
                if !between.iter().all(|near| near.is_some_and(is_letter_or_mark)) {
                    return Err(TextError::Joiner);
                }
            }
            _ => {}
        }
        marks = if is_combining_mark(character) { marks + 1 } else { 0 };
        if marks > caps::COMBINING_MARKS_MAX {
            return Err(TextError::Marks);
        }
        before = Some(character);
    }
    if isolates == 0 { Ok(()) } else { Err(TextError::Direction) }
}

/// Persian, Urdu and Bengali join letters and vowel signs, which are marks.
fn is_letter_or_mark(character: char) -> bool {
    character.is_alphabetic() || is_combining_mark(character)
}

/// Whether a text is a web address: of http or https, without white space, and fit to be
/// an id. Whether anything is there is not asked, and no node follows it.
pub fn is_web_address(text: &str) -> bool {
    let rest = ["https://", "http://"].iter().find_map(|scheme| {
        let (start, rest) = text.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    });
    rest.is_some_and(|rest| !rest.is_empty())
        && !text.contains(char::is_whitespace)
        && check(text, Layout::Id).is_ok()
}

/// Brings a text into Normalization Form C.
pub fn normalise(text: &mut String) {
    if !text.is_ascii() && !is_nfc(text) {
        *text = text.nfc().collect();
    }
}

#[cfg(test)]
mod tests;
