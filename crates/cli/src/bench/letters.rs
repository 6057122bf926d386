//! What is sent, and whose signature is believed.

use anyhow::Context as _;
use aws_lc_rs::rand;
use barid_message::address::Address;
use barid_message::compose::{Draft, compose};
use barid_message::header::{AgreementRef, Purpose};
use barid_message::id::MessageId;
use barid_message::key::SigningKey;
use barid_message::registry::KeyRegistry;
use barid_message::signed::{Check, SignedMessage, VerifiedMessage};
use barid_node::clock;
use barid_node::config::Config;
use barid_proto::message::v1 as pb;

use crate::account::AgencyAccount;

/// What is sent: such an incident as the tables of our sources give. Signed, it has
/// about 1.25 KiB.
pub(super) const INCIDENT: &str = include_str!("incident.json");

/// Who writes and signs, to whom.
pub(super) struct Writer {
    sender: Address,
    key: SigningKey,
    recipients: Vec<Address>,
    agreement: AgreementRef,
    incident: pb::Incident,
}

/// Whose signature is believed.
pub(super) struct Trust {
    registry: KeyRegistry,
    sender: Address,
}

/// A signed message, not sent yet.
#[derive(Clone)]
pub(super) struct Letter {
    pub(super) id: MessageId,
    pub(super) message: pb::SignedMessage,
}

impl Writer {
    /// Of an agency at the node of this configuration, under its first agreement.
    pub(super) fn new(
        config: &Config,
        sender: &AgencyAccount,
        recipients: Vec<Address>,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            sender: sender.address.clone(),
            key: sender.signing_key()?,
            recipients,
            agreement: config.agreements.first().context("no agreement was made")?.reference(),
            incident: serde_json::from_str(INCIDENT).context("the incident is not read")?,
        })
    }

    /// Signs a message to the first so many recipients.
    pub(super) fn letter(&self, recipients: u32) -> anyhow::Result<Letter> {
        self.sign(recipients, |draft| draft)
    }

    /// Signs one that is FLASH to the first recipient.
    pub(super) fn flash(&self) -> anyhow::Result<Letter> {
        self.sign(1, |draft| draft.flash("to see how fast it is"))
    }

    fn sign(&self, recipients: u32, change: impl FnOnce(Draft) -> Draft) -> anyhow::Result<Letter> {
        let mut random = [0; 10];
        rand::fill(&mut random).ok().context("the system gives no random numbers")?;
        let now = clock::now();
        let id = MessageId::new(now, random);
        let draft = Draft::new(&self.sender, &self.agreement, self.incident.clone())
            .id(id)
            .created_at(now)
            .purposes(&[Purpose::BorderMonitoring]);
        let recipients = self.recipients.iter().take(usize::try_from(recipients)?);
        let draft = recipients.fold(change(draft), Draft::to);
        Ok(Letter { id, message: compose(draft, now, random, &self.key)? })
    }
}

impl Trust {
    /// In the keys that this configuration has for a sender.
    pub(super) fn new(config: &Config, sender: &Address) -> anyhow::Result<Self> {
        let mut registry = KeyRegistry::new();
        for agency in &config.agencies {
            for key in &agency.keys {
                registry.insert(agency.address.clone(), key.clone())?;
            }
        }
        Ok(Self { registry, sender: sender.clone() })
    }

    /// Checks a message by every rule of the standard, its signature among them.
    pub(super) fn verify(&self, message: pb::SignedMessage) -> anyhow::Result<VerifiedMessage> {
        let senders = std::slice::from_ref(&self.sender);
        let check = Check { keys: &self.registry, now: clock::now(), senders };
        Ok(SignedMessage::from_proto(message)?.verify(&check)?)
    }
}
