//! Bodies: what each kind requires, and the blocks they are made of.
//!
//! Code lists in bodies are open: a code is checked for looking like one, not for
//! being known.

mod alert;
mod document;
mod geometry;
mod incident;
mod place;
mod subject;
mod text;
mod things;
mod time;

use barid_proto::message::v1 as pb;

use crate::body::Body;
use crate::caps;
use crate::fault::{At, Findings};
use crate::text::Layout;
use crate::time::Millis;

/// Where a body stands.
pub(crate) const AT: At<'static> = At::root("body");

/// What the header says that its body must agree with.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    /// Languages of the texts (row 17).
    pub(crate) languages: &'a [String],
    /// Classes of personal data declared (row 14).
    pub(crate) personal_data: &'a [i32],
    /// When the message was made; None where that could not be read.
    pub(crate) created_at: Option<Millis>,
}

impl<'a> Context<'a> {
    /// What this header says; `created_at` as far as it could be read.
    pub(crate) fn new(header: &'a pb::Header, created_at: Option<Millis>) -> Self {
        let languages = header.languages.as_ref().map_or(&[][..], |row| &row.languages);
        let personal_data =
            header.data_protection.as_ref().map_or(&[][..], |row| &row.personal_data);
        Self { languages, personal_data, created_at }
    }

    /// Whether a class of personal data is declared.
    fn declares(&self, class: pb::PersonalData) -> bool {
        self.personal_data.contains(&i32::from(class))
    }
}

/// Checks a body.
pub(crate) fn check(body: &Body, context: Context<'_>, findings: &mut Findings) {
    match body {
        Body::Alert(alert) => findings.texts(AT, alert, Layout::Lines),
        Body::Incident(incident) => findings.texts(AT, incident, Layout::Lines),
        Body::Note(note) => findings.texts(AT, note, Layout::Lines),
    }
    let mut inspection = Inspection { findings, context };
    match body {
        Body::Alert(alert) => inspection.alert(alert),
        Body::Incident(incident) => inspection.incident(incident),
        Body::Note(note) => inspection.note(note),
    }
}

/// One pass over one body.
struct Inspection<'f, 'a> {
    findings: &'f mut Findings,
    context: Context<'a>,
}

impl Inspection<'_, '_> {
    fn note(&mut self, note: &pb::Note) {
        let pb::Note { subject, text } = note;
        self.one_each(AT.field("subject"), subject, 0..=caps::TEXTS_MAX);
        self.one_each(AT.field("text"), text, 1..=caps::TEXTS_MAX);
    }

    /// Notes that a required field is absent.
    fn missing(&mut self, at: At<'_>) {
        self.findings.missing(at, "body");
    }

    /// Notes a value outside its range or grammar.
    fn invalid(&mut self, at: At<'_>, expected: &'static str) {
        self.findings.invalid(at, "body", expected);
    }

    /// Looks at each element of a list that is not too long.
    fn each<T>(
        &mut self,
        at: At<'_>,
        list: &[T],
        expected: std::ops::RangeInclusive<usize>,
        mut look: impl FnMut(&mut Self, At<'_>, &T),
    ) {
        if self.findings.list(at, "body", list.len(), expected) {
            for (position, element) in list.iter().enumerate() {
                look(self, at.item(position), element);
            }
        }
    }

    /// Looks at a part that may be absent.
    fn part<T>(&mut self, at: At<'_>, part: Option<&T>, look: impl FnOnce(&mut Self, At<'_>, &T)) {
        if let Some(part) = part {
            look(self, at, part);
        }
    }

    /// Looks at a part that must be there.
    fn required<T>(
        &mut self,
        at: At<'_>,
        part: Option<&T>,
        look: impl FnOnce(&mut Self, At<'_>, &T),
    ) {
        match part {
            Some(part) => look(self, at, part),
            None => self.missing(at),
        }
    }
}
