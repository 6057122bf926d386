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
        Body::Alert(body) => vec![
            ("event", &body.event),
            ("headline", &body.headline),
            ("description", &body.description),
            ("instruction", &body.instruction),
        ],
        Body::Incident(body) => vec![
            ("description", &body.description),
            ("planned", &body.planned),
            ("assistance needed", &body.assistance_needed),
        ],
        Body::Seizure(body) => {
            vec![("concealment", &body.concealment), ("description", &body.description)]
        }
        Body::Rfi(body) => {
            let why = body.justification.as_ref();
            vec![
                ("question", &body.question),
                ("reason", why.map_or(&[], |why| &why.reason)),
                ("offence", why.map_or(&[], |why| &why.offence)),
                ("permitted use", &body.permitted_use),
            ]
        }
        Body::Rsp(body) => vec![("refusal", &body.refusal_text), ("text", &body.text)],
        Body::Hit(body) => vec![("description", &body.description)],
        Body::Sitrep(body) => vec![("narrative", &body.narrative)],
        Body::CrossingStatus(body) => vec![("reason", &body.reason)],
        Body::AdvanceNotice(body) => vec![("requested control", &body.requested_control)],
        Body::Assist(body) => {
            vec![("description", &body.description), ("refusal", &body.refusal_text)]
        }
        Body::Consent(body) => vec![("reason", &body.reason), ("scope", &body.scope)],
        Body::Correction(body) => vec![("ground", &body.ground)],
        Body::Proposal(body) => vec![("ground", &body.ground)],
        Body::Note(body) => vec![("subject", &body.subject), ("text", &body.text)],
    };
    let named = fields.into_iter();
    named.flat_map(|(name, texts)| texts.iter().map(move |text| (name, text))).collect()
}

/// What a message is about, in one line: its codes, then its first words.
pub(super) fn headline(body: &Body) -> String {
    let first = |texts: &[pb::Text]| texts.first().map_or("", |text| &text.text).to_owned();
    let (codes, words) = match body {
        Body::Alert(body) if body.headline.is_empty() => (vec![], first(&body.event)),
        Body::Alert(body) => (vec![], first(&body.headline)),
        Body::Incident(body) => (vec![&body.incident_type], first(&body.description)),
        Body::Seizure(body) => {
            let goods = body.goods.iter().filter_map(|seized| seized.goods.as_ref());
            (goods.map(|goods| &goods.category).collect(), first(&body.description))
        }
        Body::Rfi(body) => (vec![&body.urgency], first(&body.question)),
        Body::Rsp(body) => {
            let codes = [&body.result].into_iter().chain(&body.refusal_reasons);
            (codes.collect(), first(&body.text))
        }
        Body::Hit(body) => (vec![&body.outcome], first(&body.description)),
        Body::Sitrep(body) => (vec![&body.report_type], first(&body.narrative)),
        Body::CrossingStatus(body) => {
            (vec![&body.crossing_id, &body.direction, &body.state], first(&body.reason))
        }
        Body::AdvanceNotice(body) => {
            let to = body.to.as_ref();
            let names = to.map_or(String::new(), |place| first(&place.names));
            (to.map(|place| &place.crossing_id).into_iter().collect(), names)
        }
        Body::Assist(body) => {
            let needs = body.needs.iter().map(|need| &need.code);
            ([&body.status].into_iter().chain(needs).collect(), first(&body.description))
        }
        Body::Consent(body) => (vec![&body.wish, &body.answer], first(&body.reason)),
        Body::Correction(body) => (vec![], first(&body.ground)),
        Body::Proposal(body) => (vec![], first(&body.ground)),
        Body::Note(body) if body.subject.is_empty() => (vec![], first(&body.text)),
        Body::Note(body) => (vec![], first(&body.subject)),
    };
    let codes: Vec<&str> = codes.into_iter().map(String::as_str).collect();
    let codes = codes.into_iter().filter(|code| !code.is_empty()).collect::<Vec<_>>().join(" ");
    match (codes.is_empty(), words.is_empty()) {
        (false, false) => format!("{codes}: {words}"),
        (_, true) => codes,
        (true, _) => words,
    }
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
