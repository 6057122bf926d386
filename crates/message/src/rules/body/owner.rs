//! CONSENT, CORRECTION, PROPOSAL and posted documents: what only the owner of data may
//! say (V12, V17).

use barid_proto::message::v1 as pb;
use pb::subject::Item;

use super::{AT, Inspection};
use crate::address::{Address, Country};
use crate::caps;
use crate::fault::At;
use crate::reason::Reason;

/// States that only the issuing country posts (INTERPOL SLTD).
const POSTED: [&str; 4] = ["LOST", "STOLEN", "STOLEN_BLANK", "REVOKED"];

/// Whose data a message is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// The speaker's.
    Own,
    /// Another agency's.
    Others,
}

impl Inspection<'_, '_> {
    pub(super) fn consent(&mut self, consent: &pb::Consent) {
        let pb::Consent { about, wish, recipients, until, level, reason, answer, scope } = consent;
        let whose = if answer.is_empty() { Whose::Others } else { Whose::Own };
        self.about(about.as_ref(), whose);
        self.required_code(AT.field("wish"), wish);
        let list = AT.field("recipients");
        self.each(list, recipients, 0..=caps::RECIPIENTS_MAX, |this, at, address| {
            this.findings.address(at, "body", address);
        });
        match (wish == "DISSEMINATE", recipients.is_empty()) {
            (true, true) => self.missing(list),
            (false, false) => self.uncalled(list, "with DISSEMINATE"),
            _ => {}
        }
        self.part(AT.field("until"), until.as_ref(), Self::later);
        if wish == "EXTEND_RETENTION" && until.is_none() {
            self.missing(AT.field("until"));
        }
        self.id(AT.field("level"), level);
        if wish == "DECLASSIFY" && level.is_empty() {
            self.missing(AT.field("level"));
        }
        self.one_each(AT.field("reason"), reason, 1..=caps::TEXTS_MAX);
        self.code(AT.field("answer"), answer);
        if !answer.is_empty() {
            self.answers();
        }
        self.texts(AT.field("scope"), scope);
        if answer != "GRANTED" && !scope.is_empty() {
            self.uncalled(AT.field("scope"), "with GRANTED");
        }
    }

    pub(super) fn correction(&mut self, correction: &pb::Correction) {
        let pb::Correction { about, changes, ground } = correction;
        self.about(about.as_ref(), Whose::Own);
        self.changes(changes);
        self.one_each(AT.field("ground"), ground, 1..=caps::TEXTS_MAX);
    }

    pub(super) fn proposal(&mut self, proposal: &pb::Proposal) {
        let pb::Proposal { about, changes, ground } = proposal;
        self.about(about.as_ref(), Whose::Others);
        self.changes(changes);
        self.one_each(AT.field("ground"), ground, 1..=caps::TEXTS_MAX);
    }

    /// The message meant, by its digest, and whose it is (V12): a unit speaks for its
    /// agency.
    fn about(&mut self, about: Option<&pb::Reference>, whose: Whose) {
        let at = AT.field("about");
        let Some(about) = about else {
            self.missing(at);
            return;
        };
        if about.header_digest.is_empty() {
            self.missing(at.field("header_digest"));
        }
        let owner = self.findings.reference(at, "body", about);
        let speaker = self.context.origin.as_ref().map(Address::agency);
        let (Some(owner), Some(speaker)) = (owner.map(|owner| owner.agency()), speaker) else {
            return;
        };
        let text = match (whose, owner == speaker) {
            (Whose::Own, false) => "only the originator of that message may say this",
            (Whose::Others, true) => "of another originator; correct your own by a CORRECTION",
            _ => return,
        };
        self.findings.add(at.field("originator"), Reason::NotTheOwner, "V12", text);
    }

    fn changes(&mut self, changes: &[pb::FieldChange]) {
        let list = AT.field("changes");
        self.each(list, changes, 1..=caps::LIST_MAX, |this, at, change| {
            let pb::FieldChange { path, action, value } = change;
            if !is_path(path) {
                this.invalid(at.field("path"), "body, names of fields with dots and positions");
            }
            this.findings.chars(at.field("path"), "body", path, caps::PATH_CHARS_MAX);
            this.required_code(at.field("action"), action);
            match (action.as_str(), value.is_empty()) {
                ("REPLACE", true) => this.missing(at.field("value")),
                ("ERASE", false) => this.uncalled(at.field("value"), "with REPLACE"),
                _ => {}
            }
            this.findings.bytes(at.field("value"), "V18", value, caps::VALUE_BYTES_MAX);
        });
        for (position, change) in changes.iter().enumerate().take(caps::LIST_MAX) {
            if changes[..position].iter().any(|earlier| earlier.path == change.path) {
                self.findings.repeated(list.item(position).field("path"), "body");
            }
        }
    }

    /// V17: that a document is lost, stolen or revoked is said by its issuing country.
    pub(super) fn posted_documents(&mut self, at: At<'_>, subjects: &[pb::Subject]) {
        let origin = self.context.origin.as_ref().map(Address::country);
        for (position, subject) in subjects.iter().enumerate().take(caps::SUBJECTS_MAX) {
            let Some(Item::Document(document)) = &subject.item else { continue };
            if !POSTED.contains(&document.state.as_str()) {
                continue;
            }
            let at = at.item(position);
            let at = at.field("document");
            let at = at.field("issuer");
            if document.issuer.is_empty() {
                self.findings.missing(at, "V17");
            } else if origin.is_some() && Country::of_issuer(&document.issuer) != origin {
                let text = "only the issuing country posts this; report it to that country";
                self.findings.add(at, Reason::NotTheOwner, "V17", text);
            }
        }
    }
}

/// `body`, then names and positions: `body.subjects[0].person.names[0].family`.
fn is_path(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("body.") else {
        return false;
    };
    rest.split('.').all(|part| {
        let (name, position) = match part.split_once('[') {
            Some((name, position)) => (name, Some(position)),
            None => (part, None),
        };
        let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let number = |text: &str| {
            text.strip_suffix(']').is_some_and(|digits| {
                (1..=5).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
            })
        };
        !name.is_empty() && name.bytes().all(letter) && position.is_none_or(number)
    })
}
