//! An agency's system: its account, its key, its inbox.

use std::path::Path;

use barid_link::client::{
    AgencyClient, ClientConfig, HandOut, ProvenEvidence, Receipt, ReceiveOptions, Receiver,
    SubmitError,
};
use barid_link::tls::ConnectorConfig;
use barid_message::address::Address;
use barid_message::compose::{Draft, compose};
use barid_message::digest::Digest;
use barid_message::header::AgreementRef;
use barid_message::id::MessageId;
use barid_message::key::SigningKey;
use barid_message::{Purpose, Status};
use barid_proto::audit::v1::Event;
use barid_proto::exchange::v1 as exchange;
use barid_proto::message::v1 as pb;

use super::{address, alert, now, random, text, text_of, within};

/// A system of an agency, connected to its node.
pub(crate) struct Agency {
    pub(crate) address: Address,
    pub(crate) client: AgencyClient,
    pub(crate) key: SigningKey,
    pub(crate) agreement: AgreementRef,
}

/// What an agency receives.
pub(crate) struct Inbox(Receiver);

impl Agency {
    pub(super) async fn connect(site: &Path, text: &str, connector: ConnectorConfig) -> Self {
        let address = address(text);
        let folder = site.join("agencies").join(text.replace('/', "-"));
        let pem = std::fs::read_to_string(folder.join("signing-key.pem"));
        let key = SigningKey::from_pem(&pem.expect("a key that init made")).expect("a key");
        let config = ClientConfig::new(connector, 1);
        let client = AgencyClient::new(config, address.clone()).expect("an account");
        let info = within(client.node_info()).await.expect("the node's word");
        let agreement = info.agreements.first().expect("an agreement");
        let agreement = agreement.reference.clone().expect("with its reference");
        Self {
            address,
            client,
            key,
            agreement: AgreementRef {
                sha256: Digest::from_slice(&agreement.sha256).expect("a digest"),
                id: agreement.id,
                version: agreement.version,
                clause: agreement.clause,
            },
        }
    }

    /// A note to be.
    pub(crate) fn note(&self, words: &str) -> Draft {
        let note = pb::Note { subject: Vec::new(), text: vec![text(words)] };
        Draft::new(&self.address, &self.agreement, note).purposes(&[Purpose::BorderOperation])
    }

    /// An alert to be: what may be FLASH.
    pub(crate) fn alert(&self, headline: &str) -> Draft {
        Draft::new(&self.address, &self.agreement, alert(headline))
            .purposes(&[Purpose::BorderOperation])
    }

    /// Signs a draft by the book.
    pub(crate) fn sign(&self, draft: Draft) -> pb::SignedMessage {
        compose(draft, now(), random(), &self.key).expect("a sound draft")
    }

    /// Submits a message.
    pub(crate) async fn submit(&self, message: &pb::SignedMessage) -> Result<Receipt, SubmitError> {
        within(self.client.submit(message.clone())).await
    }

    /// Signs and submits a draft that must be accepted; gives its id.
    pub(crate) async fn send(&self, draft: Draft) -> MessageId {
        let message = self.sign(draft);
        let receipt = self.submit(&message).await.expect("accepted");
        MessageId::parse(&receipt.statement.message_id).expect("an id")
    }

    /// Opens the inbox.
    pub(crate) fn inbox(&self) -> Inbox {
        self.inbox_of(64, &[])
    }

    /// Opens the inbox for so many at a time, of these statuses.
    pub(crate) fn inbox_of(&self, max_outstanding: u32, statuses: &[Status]) -> Inbox {
        Inbox(self.client.receive(ReceiveOptions {
            max_outstanding,
            statuses: statuses.to_vec(),
            ..ReceiveOptions::new(self.address.clone())
        }))
    }

    /// The texts of the notes that wait in the inbox, in the order of their hand-out.
    pub(crate) async fn peek(&self, statuses: &[Status]) -> Vec<String> {
        let mut peek = within(self.client.peek(&self.address, statuses)).await.expect("a look");
        let mut texts = Vec::new();
        while let Some(hand_out) = within(peek.next()).await.expect("what waits") {
            assert!(hand_out.lease.is_empty(), "a look takes nothing");
            texts.push(text_of(&hand_out.message.expect("a message")));
        }
        texts
    }

    /// The evidence there is now, after a cursor.
    pub(crate) async fn evidence(&self, after: &str) -> Vec<ProvenEvidence> {
        let mut stream = self.client.evidence(after.to_owned(), false);
        let mut all = Vec::new();
        while let Some(evidence) = within(stream.next()).await.expect("evidence") {
            all.push(evidence);
        }
        all
    }

    /// What it is told of its message, in order, until that is enough.
    pub(crate) async fn told_until(
        &self,
        id: MessageId,
        enough: impl Fn(&[Event]) -> bool,
    ) -> Vec<Event> {
        let mut stream = self.client.evidence(String::new(), true);
        let mut events = Vec::new();
        while !enough(&events) {
            let one = within(stream.next()).await.expect("evidence").expect("it is followed");
            let said = one.statement.as_ref().expect("it holds");
            if said.message_id == id.to_string() {
                events.push(said.event());
            }
        }
        events
    }

    /// What it is told of its message up to this event.
    pub(crate) async fn told(&self, id: MessageId, last: Event) -> Vec<Event> {
        self.told_until(id, |events| events.last() == Some(&last)).await
    }

    /// What the node says of a message, at once or when it has come so far.
    pub(crate) async fn status(
        &self,
        origin: &Self,
        id: MessageId,
    ) -> exchange::GetMessageStatusResponse {
        within(self.client.status(&origin.address, id)).await.expect("a message of ours")
    }
}

impl Inbox {
    /// Leaves the inbox in order.
    pub(crate) async fn leave(self) {
        within(self.0.close()).await;
    }

    /// The next hand-out.
    pub(crate) async fn next(&mut self) -> HandOut {
        within(self.0.next()).await.expect("a hand-out")
    }

    /// The next hand-out, acknowledged; gives its text.
    pub(crate) async fn take(&mut self) -> String {
        let mut hand_out = self.next().await;
        within(hand_out.ack()).await.expect("taken");
        text_of(hand_out.message())
    }
}
