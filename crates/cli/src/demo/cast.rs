//! Who plays: the agencies, each with its own keys, and what all know of each other.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;
use aws_lc_rs::rand;
use barid_link::client::{AgencyClient, HandOut};
use barid_message::address::Address;
use barid_message::body::Body;
use barid_message::compose::{Draft, compose};
use barid_message::header::{AgreementRef, Purpose};
use barid_message::id::MessageId;
use barid_message::key::SigningKey;
use barid_message::registry::KeyRegistry;
use barid_message::signed::{Check, SignedMessage, VerifiedMessage};
use barid_node::clock;
use barid_proto::message::v1 as pb;
use pb::recipient::Target;

use super::ledger::Key;
use crate::account::AgencyAccount;

/// One agency: its system's account, its connection, its signing key.
pub(super) struct Member {
    pub(super) address: Address,
    pub(super) client: AgencyClient,
    pub(super) account: Arc<AgencyAccount>,
    key: SigningKey,
}

impl Member {
    pub(super) fn new(account: AgencyAccount) -> anyhow::Result<Self> {
        Ok(Self {
            address: account.address.clone(),
            client: account.client()?,
            key: account.signing_key()?,
            account: Arc::new(account),
        })
    }
}

/// All agencies. Each knows the keys of the others from the day they were made, and
/// trusts no one else's word about them.
pub(super) struct Cast {
    members: BTreeMap<Address, Member>,
    trust: Arc<Trust>,
    agreement: AgreementRef,
}

/// Whose signature is believed.
pub(super) struct Trust {
    registry: KeyRegistry,
    senders: Vec<Address>,
}

/// A signed message, not sent yet.
#[derive(Clone)]
pub(super) struct Letter {
    pub(super) key: Key,
    pub(super) recipients: Vec<Address>,
    pub(super) message: pb::SignedMessage,
}

impl Cast {
    pub(super) fn new(
        members: BTreeMap<Address, Member>,
        registry: KeyRegistry,
        agreement: AgreementRef,
    ) -> Self {
        let senders = members.keys().cloned().collect();
        let trust = Arc::new(Trust { registry, senders });
        Self { members, trust, agreement }
    }

    pub(super) fn members(&self) -> impl ExactSizeIterator<Item = &Member> {
        self.members.values()
    }

    pub(super) fn trust(&self) -> Arc<Trust> {
        Arc::clone(&self.trust)
    }

    /// The agency of this address.
    pub(super) fn member(&self, address: &str) -> anyhow::Result<&Member> {
        let mut members = self.members.values();
        members.find(|member| member.address.as_str() == address).context("no such agency")
    }

    /// The beginning of a message.
    pub(super) fn draft(
        &self,
        from: &Member,
        to: &[&str],
        purpose: Purpose,
        body: impl Into<Body>,
    ) -> anyhow::Result<Draft> {
        let mut draft = Draft::new(&from.address, &self.agreement, body).purposes(&[purpose]);
        for address in to {
            draft = draft.to(&Address::parse(address)?);
        }
        Ok(draft)
    }
}

impl Member {
    /// Signs a draft.
    pub(super) fn sign(&self, mut draft: Draft) -> anyhow::Result<Letter> {
        let mut random = [0; 10];
        rand::fill(&mut random).ok().context("the system gives no random numbers")?;
        let now = clock::now();
        let id = MessageId::new(now, random);
        let recipients = draft.header_mut().recipients.iter();
        let recipients = recipients.filter_map(|recipient| match &recipient.target {
            Some(Target::Address(address)) => Address::parse(address).ok(),
            _ => None,
        });
        let recipients = recipients.collect();
        Ok(Letter {
            key: Key { origin: self.address.clone(), id },
            recipients,
            message: compose(draft.id(id).created_at(now), now, random, &self.key)?,
        })
    }

    /// Its signing key, once more.
    pub(super) fn signing_key(&self) -> anyhow::Result<SigningKey> {
        self.account.signing_key()
    }
}

impl Trust {
    /// Checks what was handed out, signature first, by every rule of the standard.
    pub(super) fn verify(&self, hand_out: &HandOut) -> anyhow::Result<(Key, VerifiedMessage)> {
        let check = Check { keys: &self.registry, now: clock::now(), senders: &self.senders };
        let message = SignedMessage::from_proto(hand_out.message().clone())?.verify(&check)?;
        let header = message.header();
        let key = Key { origin: header.origin().clone(), id: header.message_id() };
        Ok((key, message))
    }
}
