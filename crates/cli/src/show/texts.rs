//! The texts of a message as they stand below its row.

use barid_message::body::Body;
use barid_proto::message::v1 as pb;

use crate::output::{Line, Output, OutputError};

/// The most characters of one message that are shown: more than anybody reads in a list.
const SHOWN_CHARS: usize = 20_000;

/// Writes what a message says, one text a language; whether that was all of it.
pub(crate) fn texts(body: &Body, output: &mut Output) -> Result<bool, OutputError> {
    let mut left = SHOWN_CHARS;
    for (name, text) in of(body) {
        let shown: String = text.text.chars().take(left).collect();
        left -= shown.chars().count();
        let mut line = Line::default().faint(format!("    {name} {}: ", text.language));
        for words in shown.split('\n') {
            output.line(line.text(words))?;
            line = Line::default().text("      ");
        }
        if shown.len() < text.text.len() {
            output.note(Line::default().caution("    … and more"));
            return Ok(false);
        }
    }
    Ok(true)
}

/// The texts that a person reads, with the names of their fields.
fn of(body: &Body) -> Vec<(&'static str, &pb::Text)> {
    let fields: Vec<(_, &[pb::Text])> = match body {
        Body::Alert(alert) => vec![
            ("event", &alert.event),
            ("headline", &alert.headline),
            ("description", &alert.description),
            ("instruction", &alert.instruction),
        ],
        Body::Incident(incident) => vec![
            ("description", &incident.description),
            ("planned", &incident.planned),
            ("assistance needed", &incident.assistance_needed),
        ],
        Body::Note(note) => vec![("subject", &note.subject), ("text", &note.text)],
    };
    let named = fields.into_iter();
    named.flat_map(|(name, texts)| texts.iter().map(move |text| (name, text))).collect()
}

#[cfg(test)]
mod tests {
    use barid_message::body::Body;
    use barid_proto::message::v1 as pb;

    use super::{SHOWN_CHARS, texts};
    use crate::output::{Looks, Output};

    fn text(language: &str, text: &str) -> pb::Text {
        let (language, text) = (language.to_owned(), text.to_owned());
        pb::Text { language, text, ..pb::Text::default() }
    }

    /// Whether it was all, and what was shown, of a note that says this.
    fn shown(words: &str) -> (bool, String) {
        let note = pb::Note {
            subject: vec![text("en", "Gate 2")],
            text: vec![text("ur", "گیٹ 2 بند ہے"), text("en", words)],
        };
        let (mut output, out, _err) = Output::captured(false, Looks::default());
        let whole = texts(&Body::Note(note), &mut output).unwrap();
        (whole, out.text())
    }

    #[test]
    fn every_text_is_shown_with_its_language_and_harmless() {
        let (whole, lines) = shown("Closed.\nUntil \u{1b}[31m18:00.");
        assert!(whole);
        assert_eq!(
            lines,
            "    subject en: Gate 2\n    text ur: گیٹ 2 بند ہے\n    text en: Closed.\n      Until \
             \\u{1b}[31m18:00.\n"
        );
    }

    #[test]
    fn what_is_too_long_is_cut_and_not_taken_for_the_whole() {
        let (whole, lines) = shown(&"a".repeat(SHOWN_CHARS));
        assert!(!whole);
        assert!(lines.chars().count() < SHOWN_CHARS + 100);
    }
}
