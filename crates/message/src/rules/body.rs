//! Bodies: what each kind requires, and the blocks they are made of.
//!
//! Code lists in bodies are open: a code is checked for looking like one, not for
//! being known.

mod alert;
mod assist;
mod crossing;
mod document;
mod geometry;
mod incident;
mod owner;
mod place;
mod request;
mod seizure;
mod sitrep;
mod subject;
mod text;
mod things;
mod time;

use barid_proto::message::v1 as pb;

use crate::address::Address;
use crate::body::Body;
use crate::caps;
use crate::fault::{At, Fault, Findings};
use crate::text::Layout;
use crate::time::Millis;

/// Where a body stands.
pub(crate) const AT: At<'static> = At::root("body");

/// What the header says that its body must agree with.
#[derive(Clone)]
pub(crate) struct Context<'a> {
    /// Languages of the texts (row 17).
    pub(crate) languages: &'a [String],
    /// Classes of personal data declared (row 14).
    pub(crate) personal_data: &'a [i32],
    /// When the message was made; None where that could not be read.
    pub(crate) created_at: Option<Millis>,
    /// Who speaks (row 5); None where that could not be read.
    pub(crate) origin: Option<Address>,
    /// Whether it names what it answers (row 2).
    pub(crate) answers: bool,
}

impl<'a> Context<'a> {
    /// What this header says; `created_at` as far as it could be read.
    pub(crate) fn new(header: &'a pb::Header, created_at: Option<Millis>) -> Self {
        let languages = header.languages.as_ref().map_or(&[][..], |row| &row.languages);
        let personal_data =
            header.data_protection.as_ref().map_or(&[][..], |row| &row.personal_data);
        let origin = header.originator.as_ref().and_then(|row| Address::parse(&row.address).ok());
        let answers = header.identity.as_ref().is_some_and(|row| !row.correlation_id.is_empty());
        Self { languages, personal_data, created_at, origin, answers }
    }

    /// Whether a class of personal data is declared.
    fn declares(&self, class: pb::PersonalData) -> bool {
        self.personal_data.contains(&i32::from(class))
    }
}

/// Checks a body.
pub(crate) fn check(body: &Body, context: Context<'_>, findings: &mut Findings) {
    findings.texts(AT, body.strings(), Layout::Lines);
    let mut inspection = Inspection { findings, context };
    match body {
        Body::Alert(body) => inspection.alert(body),
        Body::Incident(body) => inspection.incident(body),
        Body::Seizure(body) => inspection.seizure(body),
        Body::Rfi(body) => inspection.rfi(body),
        Body::Rsp(body) => inspection.rsp(body),
        Body::Hit(body) => inspection.hit(body),
        Body::Sitrep(body) => inspection.sitrep(body),
        Body::CrossingStatus(body) => inspection.crossing_status(body),
        Body::AdvanceNotice(body) => inspection.advance_notice(body),
        Body::Assist(body) => inspection.assist(body),
        Body::Consent(body) => inspection.consent(body),
        Body::Correction(body) => inspection.correction(body),
        Body::Proposal(body) => inspection.proposal(body),
        Body::Note(body) => inspection.note(body),
    }
}

/// What is no fault of a message and somebody should look at: a wrong check digit on a
/// document that is stated to be false (V13). Nothing is refused for it, at no node.
#[must_use]
pub fn warnings(header: &pb::Header, body: &Body) -> Vec<Fault> {
    let mut findings = Findings::default();
    check(body, Context::new(header, None), &mut findings);
    findings.into_warnings()
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

    /// V11: an answer names what it answers.
    fn answers(&mut self) {
        if !self.context.answers {
            let header = At::root("header");
            let identity = header.field("identity");
            self.findings.missing(identity.field("correlation_id"), "V11");
        }
    }

    /// Notes that a field which holds only in another case is set.
    fn uncalled(&mut self, at: At<'_>, when: &'static str) {
        self.findings.invalid(at, "body", format!("only {when}; leave it out"));
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
