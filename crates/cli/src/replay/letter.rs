//! From a record of another system to a signed message: what a sender adds.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use barid_gateway::routing::{NoRecipient, RoutingTable, route};
use barid_gateway::source::{Dissemination, ExternalRef, Mapped, SourceRef, Status};
use barid_gateway::{Unmapped, suggest};
use barid_message::address::Address;
use barid_message::body::Body;
use barid_message::caps;
use barid_message::compose::{Draft, compose};
use barid_message::digest::Digest;
use barid_message::fault::Faults;
use barid_message::header::{self, AgreementRef, Kind, Purpose};
use barid_message::id::MessageId;
use barid_message::key::SigningKey;
use barid_message::time::Millis;
use barid_proto::exchange::v1::Agreement;
use barid_proto::message::v1 as pb;

/// What a replayed alert lives at least.
const LIFE_MIN: Duration = Duration::from_secs(60 * 60);
/// How long the bytes of a text may be kept that nobody has checked for persons.
const KEEP: Duration = caps::DELIVER_BY_MAX;
/// Why such a text may be sent.
const BASIS: &str = "Record of another system; texts not checked for names of persons";
/// Name of the field that says what this program added.
const DERIVED: &str = "barid.derived";

/// Writes the messages of one agency.
pub(crate) struct Writer {
    sender: Address,
    key: SigningKey,
    terms: Vec<Terms>,
    table: Arc<RoutingTable>,
    /// Of the newest original that became several messages.
    thread: Option<(ExternalRef, MessageId)>,
}

/// An agreement in force.
struct Terms {
    reference: AgreementRef,
    parties: Vec<Address>,
    kinds: Vec<i32>,
    purposes: Vec<i32>,
}

/// A message ready to be sent.
pub(crate) struct Letter {
    pub(crate) id: MessageId,
    pub(crate) recipients: Vec<Address>,
    pub(crate) message: pb::SignedMessage,
    /// Whether it reaches every inbox, or those alone that ask for exercises and tests.
    pub(crate) is_actual: bool,
}

/// A record of which no message can be made.
#[derive(Debug)]
pub(crate) struct Unsent {
    source: SourceRef,
    why: Why,
}

#[derive(Debug)]
enum Why {
    Unmapped(barid_gateway::source::Reason),
    NoRecipient(NoRecipient),
    Faults(Faults),
}

impl From<Unmapped> for Unsent {
    fn from(Unmapped { source, reason }: Unmapped) -> Self {
        let why = Why::Unmapped(reason);
        Self { source, why }
    }
}

impl fmt::Display for Unsent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.source, self.why)
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unmapped(reason) => reason.fmt(f),
            Self::NoRecipient(reason) => reason.fmt(f),
            Self::Faults(faults) => {
                let first = faults.first();
                write!(f, "no standard message: {}: {}", first.path, first.description)
            }
        }
    }
}

impl Unsent {
    /// For programs. The line is null where the whole file is meant.
    pub(crate) fn as_json(&self) -> serde_json::Value {
        let line = Some(self.source.line).filter(|line| *line > 0);
        serde_json::json!({
            "file": self.source.file.as_ref(),
            "line": line,
            "reason": self.why.to_string(),
        })
    }
}

impl Writer {
    /// For this agency, by the agreements that its node names.
    pub(crate) fn new(
        sender: Address,
        key: SigningKey,
        agreements: &[Agreement],
        table: Arc<RoutingTable>,
    ) -> anyhow::Result<Self> {
        let terms: anyhow::Result<Vec<_>> = agreements.iter().map(Terms::read).collect();
        let terms = terms.context("the node names an agreement that is not understood")?;
        anyhow::ensure!(
            !terms.is_empty(),
            "no agreement is in force for {sender}; ask the node's operator for one"
        );
        Ok(Self { sender, key, terms, table, thread: None })
    }

    /// The message for a record. Its own times stand in the body; the header's are of
    /// now, since no rule is relaxed for a replay.
    pub(crate) fn write(
        &mut self,
        mapped: Mapped,
        now: Millis,
        random: [u8; 10],
    ) -> Result<Letter, Unsent> {
        let unsent = |source: &SourceRef, why| Unsent { source: source.clone(), why };
        let recipients = route(&self.table, &mapped.routing, &self.sender)
            .map_err(|none| unsent(&mapped.source, Why::NoRecipient(none)))?;
        let id = MessageId::new(now, random);
        let (source, is_actual) = (mapped.source.clone(), mapped.status == Status::Actual);
        let draft = self.draft(mapped, id, &recipients, now);
        let message = compose(draft, now, random, &self.key)
            .map_err(|faults| unsent(&source, Why::Faults(faults)))?;
        Ok(Letter { id, recipients, message, is_actual })
    }

    fn draft(
        &mut self,
        mut mapped: Mapped,
        id: MessageId,
        recipients: &[Address],
        now: Millis,
    ) -> Draft {
        let level = suggest(&mapped);
        let expires_at = expiry(&mut mapped, now);
        let purpose = purpose(mapped.body.kind());
        let thread = self.thread(&mapped, id);
        let agreement = self.agreement(recipients, mapped.body.kind(), purpose);
        let Mapped { body, external_ref, status, dissemination, unchecked_free_text, .. } = mapped;
        let mut draft = Draft::new(&self.sender, agreement, body)
            .id(id)
            .created_at(now)
            .precedence(level)
            .purposes(&[purpose])
            .external_ref(external_ref.scheme, &external_ref.id);
        if let Some(thread) = thread {
            draft = draft.thread(thread);
        }
        draft = match &status {
            Status::Actual => draft,
            Status::Exercise { name } => draft.status(header::Status::Exercise, name),
            Status::System => draft.status(header::Status::System, ""),
            Status::Test => draft.status(header::Status::Test, ""),
        };
        if let Some(expires_at) = expires_at {
            draft = draft.expires_at(expires_at);
        }
        if unchecked_free_text {
            let keep = expires_at.unwrap_or(now).max(now + KEEP);
            draft = draft.personal_data(&[pb::PersonalData::Ordinary], BASIS, keep);
        }
        restrict(draft.header_mut(), dissemination);
        recipients.iter().fold(draft, Draft::to)
    }

    /// The agreement that covers the message. Where none does, one that does not: the
    /// node then says why it refuses, and not this program in its place.
    fn agreement(&self, recipients: &[Address], kind: Kind, purpose: Purpose) -> &AgreementRef {
        let covering = self.terms.iter().find(|terms| {
            terms.kinds.contains(&kind.into())
                && terms.purposes.contains(&purpose.into())
                && recipients.iter().all(|recipient| terms.has_party(recipient))
        });
        let terms = covering.or_else(|| self.terms.first());
        &terms.expect("new() refuses to be without").reference
    }

    /// Messages made from one original share the thread of the first.
    fn thread(&mut self, mapped: &Mapped, id: MessageId) -> Option<MessageId> {
        mapped.part?;
        match &self.thread {
            Some((original, thread)) if *original == mapped.external_ref => Some(*thread),
            _ => {
                self.thread = Some((mapped.external_ref.clone(), id));
                Some(id)
            }
        }
    }
}

impl Terms {
    fn read(agreement: &Agreement) -> anyhow::Result<Self> {
        let reference = agreement.reference.as_ref().context("without reference")?;
        let parties = agreement.parties.iter().map(|party| Address::parse(party));
        Ok(Self {
            reference: AgreementRef {
                id: reference.id.clone(),
                version: reference.version,
                sha256: Digest::from_slice(&reference.sha256)?,
                clause: reference.clause.clone(),
            },
            parties: parties.collect::<Result<_, _>>()?,
            kinds: agreement.kinds.clone(),
            purposes: agreement.purposes.clone(),
        })
    }

    fn has_party(&self, address: &Address) -> bool {
        let agency = address.agency();
        self.parties.iter().any(|party| party == address || *party == agency)
    }
}

/// What replayed records are sent for.
fn purpose(kind: Kind) -> Purpose {
    match kind {
        Kind::Alert => Purpose::Safety,
        _ => Purpose::BorderMonitoring,
    }
}

/// When a replayed alert expires: as long after now as the original did after it was
/// sent, one hour at least. The body then says that the header's time is derived.
fn expiry(mapped: &mut Mapped, now: Millis) -> Option<Millis> {
    let Body::Alert(alert) = &mut mapped.body else {
        return None;
    };
    let (sent, expires) = (mapped.times.sent?, mapped.times.expires?);
    alert.source_fields.push(pb::NamedValue {
        name: DERIVED.to_owned(),
        value: format!(
            "header.times.expires_at = created_at + max(expires - sent, 1 h); sent {sent}, \
             expires {expires}"
        ),
    });
    Some(now + expires.since(sent).max(LIFE_MIN))
}

/// What the original says of its spreading, in the header's words.
fn restrict(header: &mut pb::Header, dissemination: Dissemination) {
    let (tlp, restriction) = match dissemination {
        Dissemination::Public => (pb::Tlp::Clear, None),
        Dissemination::Unstated => (pb::Tlp::Amber, None),
        Dissemination::Restricted { restriction } => (pb::Tlp::Amber, Some(restriction)),
    };
    header.sharing.get_or_insert_default().tlp = tlp.into();
    let code = pb::HandlingCode::H3.into();
    header.handling.extend(restriction.map(|text| pb::Handling { code, text }));
}

#[cfg(test)]
mod tests;
