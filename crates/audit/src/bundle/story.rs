//! What a bundle tells, in words for people who have never seen one.

use barid_message::digest::Digest;
use barid_message::reason;
use barid_message::shown::safe;
use barid_message::time::Millis;
use barid_proto::audit::v1::{Event, HandoverBasis};
use barid_proto::message::v1::recipient::Target;
use barid_proto::message::v1::{self as wire, Kind, Precedence, Reason, Status};

use super::Bundle;
use super::log::ShownLog;
use super::statement::Statement;
use crate::entry::is_final;

/// One line of the story. Whatever others wrote is made harmless in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What it is about: `message`, `from`, `to`, `clause`, `body`, `log`, `event`,
    /// `proven` or `not proven`.
    pub label: &'static str,
    /// What is to be said.
    pub text: String,
}

impl Bundle {
    /// Who, what, when, under which clause; what is proven by it and what is not, to
    /// whoever trusts its keys.
    #[must_use]
    pub fn story(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut say = |label, text: String| {
            lines.push(Line { label, text: safe(&text).into_owned() });
        };
        self.message(&mut say);
        for log in &self.logs {
            say("log", of_log(log));
        }
        // By time; of one time, acceptance before what came of it.
        let mut statements: Vec<_> = self.statements.iter().collect();
        statements.sort_by_key(|one| (one.time, one.evidence.event));
        for statement in statements {
            say("event", self.event(statement));
        }
        self.proven(&mut say);
        self.not_proven(&mut say);
        lines
    }

    fn message(&self, say: &mut impl FnMut(&'static str, String)) {
        let header = &self.header;
        let schema = header.schema.as_ref();
        let kind = short(schema.map_or(Kind::Unspecified, |row| row.kind()).as_str_name(), "KIND_");
        let status = header.status.as_ref().map_or(Status::Unspecified, |row| row.code());
        let level = header.precedence.as_ref().map_or(Precedence::Unspecified, |row| row.level());
        let precedence = short(level.as_str_name(), "PRECEDENCE_");
        let status = short(status.as_str_name(), "STATUS_");
        let id = self.message_id();
        say("message", format!("{kind} {id}, {precedence}, {status}"));
        let made = header.times.as_ref().and_then(|row| row.created_at.as_ref());
        let made = made.and_then(|time| Millis::from_proto(time).ok()).unwrap_or_default();
        let key = Digest::of(self.agency_key.spki());
        let from = self.origin_agency();
        say("from", format!("{from}, which signed it, made at {made}; key {key}"));
        say("to", self.recipients().collect::<Vec<_>>().join(", "));
        for statement in &self.statements {
            if let (Event::SubmissionAccepted, Some(agreement)) =
                (statement.event(), &statement.evidence.agreement)
            {
                say("clause", clause(agreement));
            }
        }
        let content = header.content.as_ref().and_then(|row| row.body.as_ref());
        let (size, digest) = content.map_or((0, String::new()), |row| (row.size, hex(&row.sha256)));
        say(
            "body",
            if self.message.body.is_empty() {
                format!(
                    "left out here: {size} bytes with SHA-256 {digest}, as the signed header says"
                )
            } else {
                format!("{size} bytes with SHA-256 {digest}, as the signed header says")
            },
        );
    }

    fn recipients(&self) -> impl Iterator<Item = &str> {
        self.header.recipients.iter().filter_map(|one| match &one.target {
            Some(Target::Address(address)) => Some(address.as_str()),
            _ => None,
        })
    }

    fn event(&self, statement: &Statement) -> String {
        let Statement { evidence, time, places, .. } = statement;
        let mut text = format!("{time} {} says: {}", evidence.issuer, words(statement.event()));
        if !evidence.recipient.is_empty() {
            text.push_str(&format!(", for {}", evidence.recipient));
        }
        if evidence.reason() != Reason::Unspecified {
            text.push_str(&format!(", because of {}", reason::name(evidence.reason())));
        }
        if !evidence.next_holder.is_empty() {
            text.push_str(&format!(", held by {}", evidence.next_holder));
        }
        let kept = places.iter().map(|place| {
            let log = &self.logs[place.log];
            format!("{} at {}", log.origin(), log.records[place.record].leaf.position)
        });
        text.push_str(&format!(" (kept by {})", kept.collect::<Vec<_>>().join(" and ")));
        text
    }

    fn proven(&self, say: &mut impl FnMut(&'static str, String)) {
        let digest = self.header_digest;
        let agency = self.origin_agency();
        say(
            "proven",
            format!("{agency} signed the header with SHA-256 {digest}, and in it the body's"),
        );
        say(
            "proven",
            "its key counted for it when the message was accepted, by the registry that each \
             log had written down before"
                .to_owned(),
        );
        say(
            "proven",
            "each node signed what it is said to say, and each log has kept it since, under the \
             head that it signed"
                .to_owned(),
        );
        for log in self.logs.iter().filter(|log| !log.cosigned.is_empty()) {
            let names: Vec<_> = log.cosigned.iter().map(|one| one.witness.as_str()).collect();
            let names = names.join(", ");
            say("proven", format!("{names} saw the same head of {}", log.origin()));
        }
    }

    fn not_proven(&self, say: &mut impl FnMut(&'static str, String)) {
        let mut not = |text: String| say("not proven", text);
        not("that what the message says is true".to_owned());
        not("that the clocks were right: each time is the clock's of who names it".to_owned());
        not("that no later entry took a key back between the registry shown and the message: the \
             log's auditors can see it"
            .to_owned());
        for recipient in self.recipients() {
            let told = self.statements.iter().filter(|one| one.evidence.recipient == recipient);
            let mut finals = told.filter(|one| is_final(one.event()));
            match finals.next().map(Statement::event) {
                None => not(format!("what became of it for {recipient}: no end is in the bundle")),
                Some(Event::HandedOver) => {}
                Some(_) => not(format!("that {recipient} has never seen it")),
            }
        }
        if self.statements.iter().any(|one| one.evidence.basis() == HandoverBasis::Node) {
            not("that a person read it: a hand-over is the recipient's node's word that the \
                 recipient's system took it"
                .to_owned());
        }
        for log in self.logs.iter().filter(|log| log.cosigned.is_empty()) {
            not(format!("that {} shows everybody the same: no witness cosigned it", log.origin()));
        }
        let mut strangers: Vec<_> = self.statements.iter().map(|one| &one.evidence).collect();
        strangers.retain(|one| self.logs.iter().all(|log| log.origin() != one.log_origin));
        strangers.sort_by(|one, other| one.log_origin.cmp(&other.log_origin));
        strangers.dedup_by(|one, other| one.log_origin == other.log_origin);
        for evidence in strangers {
            not(format!(
                "that {} keeps what its node signed: that log is not in the bundle",
                evidence.log_origin
            ));
        }
        if self.message.body.is_empty() {
            not("what the body says: it was left out".to_owned());
        }
    }
}

fn of_log(log: &ShownLog) -> String {
    let head = log.head.checkpoint();
    let mut text = format!("{}, {} entries, root {:?}", log.origin(), head.size, head.root);
    for one in &log.cosigned {
        let at = Millis(one.time_s.saturating_mul(1_000));
        text.push_str(&format!(", cosigned by {} at {at}", one.witness));
    }
    text
}

fn clause(agreement: &wire::AgreementRef) -> String {
    let wire::AgreementRef { id, version, clause, sha256 } = agreement;
    let clause =
        if clause.is_empty() { "no clause named".to_owned() } else { format!("clause {clause}") };
    format!("{id} version {version}, {clause}, text with SHA-256 {}", hex(sha256))
}

fn words(event: Event) -> &'static str {
    match event {
        Event::SubmissionAccepted => "accepted from its agency, on disk and owed to its recipients",
        Event::SubmissionRejected => "refused when it was submitted",
        Event::RelayAccepted => "taken over",
        Event::RelayRejected => "not taken over",
        Event::Delivered => "in the recipient's inbox",
        Event::HandedOver => "handed over: the recipient's system acknowledged it",
        Event::Refused => "refused",
        Event::Expired => "not handed over before the time that its sender set",
        Event::NonDelivered => "not delivered",
        Event::Overdue => "overdue, and not known how it ends",
        Event::Deferred => "put off by the next node",
        Event::DeadLettered => "set aside after failed tries, for an operator",
        Event::Opened => "opened by a person",
        Event::Actioned => "acted upon",
        Event::Returned => "given back by the recipient's system",
        Event::Retried => "put back by an operator",
        Event::Queued => "waiting for the next node",
        Event::Contradiction => "a contradiction",
        Event::Unspecified => "an event that this program does not know",
    }
}

fn short(name: &'static str, prefix: &str) -> &'static str {
    name.strip_prefix(prefix).unwrap_or(name)
}

fn hex(bytes: &[u8]) -> String {
    Digest::from_slice(bytes).map_or_else(|_why| "unknown".to_owned(), |digest| digest.to_string())
}
