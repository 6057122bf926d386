//! Agencies: they repeat what they are in doubt about, and keep what they are given once.

use std::collections::BTreeSet;

use barid_message::compose::{Draft, compose};
use barid_message::id::MessageId;
use barid_message::signed::SignedMessage as Signed;
use barid_message::time::Millis;
use barid_message::{Precedence, Purpose};
use barid_proto::message::v1::{Alert, Area, Contact, Note, SignedMessage, Text};
use bytes::Bytes;
use history::Delivery;

use crate::cast::{AGENCIES, CAST, address};
use crate::op::Letter;

/// An agency, counted over all nodes.
pub(crate) struct Agency {
    pub(crate) number: usize,
    pub(crate) sent: Vec<Sent>,
    pub(crate) held: Vec<Held>,
    /// Sender and id of what it has kept.
    pub(crate) kept: BTreeSet<(String, String)>,
    /// Entries of its node that it has read.
    pub(crate) read: usize,
}

/// A message that was sent.
pub(crate) struct Sent {
    pub(crate) message: SignedMessage,
    pub(crate) id: MessageId,
    pub(crate) made: Letter,
    pub(crate) header: Vec<u8>,
    pub(crate) recipients: Vec<String>,
    pub(crate) state: Stage,
}

/// What is known of a message that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Its node has been asked to take it.
    Asked,
    /// Nobody knows whether it was taken.
    InDoubt,
    /// There is a receipt.
    Taken,
    /// It was refused.
    Refused,
}

/// A message that was handed out and not answered.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) delivery: Delivery,
    pub(crate) token: Bytes,
    pub(crate) system: usize,
}

impl Agency {
    pub(crate) fn new(number: usize) -> Self {
        let (sent, held, kept) = (Vec::new(), Vec::new(), BTreeSet::new());
        Self { number, sent, held, kept, read: 0 }
    }

    pub(crate) const fn node(&self) -> usize {
        self.number / AGENCIES
    }

    /// Writes and signs a message. `id`: one that was used before.
    pub(crate) fn write(
        &self,
        made: Letter,
        nodes: usize,
        now: Millis,
        id: Option<MessageId>,
        random: u64,
    ) -> Option<Sent> {
        let agencies = (0..nodes * AGENCIES).filter(|to| *to != self.number);
        let chosen = agencies.clone().filter(|to| made.to >> to & 1 == 1);
        let mut to: Vec<usize> = chosen.take(4).collect();
        if to.is_empty() {
            let turn = usize::try_from(made.to % 5).ok()?;
            to.extend(agencies.cycle().nth(turn));
        }
        let origin = address(self.number);
        let text = Text { language: "en".into(), text: format!("{random:x}"), ..Text::default() };
        let draft = match made.precedence {
            0 => Draft::new(&origin, &CAST.agreement, alert(text)).flash("it crosses now"),
            level => {
                let levels = [Precedence::Immediate, Precedence::Priority, Precedence::Routine];
                let note = Note { text: vec![text], ..Note::default() };
                Draft::new(&origin, &CAST.agreement, note).precedence(levels[level - 1])
            }
        };
        let draft = to.iter().fold(draft, |draft, to| draft.to(&address(*to)));
        let draft = draft.purposes(&[Purpose::BorderOperation]);
        let end = Millis(now.0 + made.lives_ms);
        let draft = if made.expires { draft.expires_at(end) } else { draft.deliver_by(end) };
        let draft = id.into_iter().fold(draft, Draft::id);
        let mut bytes = [7; 10];
        bytes[..8].copy_from_slice(&random.to_be_bytes());
        let message = compose(draft, now, bytes, CAST.agency_key(self.number)).ok()?;
        let signed = Signed::from_proto(message.clone()).ok()?;
        let id = signed.header().ok()?.message_id();
        Some(Sent {
            header: signed.header_digest().0.to_vec(),
            recipients: to.iter().map(|to| address(*to).to_string()).collect(),
            state: Stage::Refused,
            message,
            made,
            id,
        })
    }
}

fn alert(text: Text) -> Alert {
    Alert {
        categories: vec!["Security".into()],
        event: vec![text.clone()],
        urgency: "Immediate".into(),
        severity: "Severe".into(),
        certainty: "Observed".into(),
        headline: vec![text.clone()],
        areas: vec![Area { description: vec![text], ..Area::default() }],
        actions_to_take: vec!["STOP".into()],
        hit_contact: Some(Contact { desk: "duty desk".into(), ..Contact::default() }),
        ..Alert::default()
    }
}
