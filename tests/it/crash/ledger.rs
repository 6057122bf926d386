//! What senders and consumers know for themselves, to hold the node against.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use barid_message::time::Millis;
use barid_proto::audit::v1::Event;
use barid_proto::message::v1 as pb;
use history::{Ask, Call, Outcome};
use pb::recipient::Target;
use tokio::sync::watch;

use crate::harness::{header_of, within};

/// One message for one recipient.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Delivery {
    pub(crate) id: String,
    pub(crate) recipient: String,
}

/// Shared by all who send and receive.
#[derive(Clone)]
pub(crate) struct Ledger {
    books: Arc<Mutex<Books>>,
    changed: Arc<watch::Sender<()>>,
}

#[derive(Default)]
struct Books {
    /// Ids with a receipt.
    receipted: BTreeMap<String, Sent>,
    /// What was handed out.
    kept: BTreeMap<Delivery, Kept>,
}

/// From whom to whom a message is.
struct Sent {
    sender: String,
    recipients: Vec<String>,
}

/// Hand-outs of one message: all, those without the mark of a repeat, and acks that the
/// node confirmed.
#[derive(Clone, Copy, Debug, Default)]
struct Kept {
    hand_outs: u32,
    unmarked: u32,
    confirmed: u32,
}

impl Default for Ledger {
    fn default() -> Self {
        Self { books: Arc::default(), changed: Arc::new(watch::channel(()).0) }
    }
}

impl Ledger {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, entry: impl FnOnce(&mut Books)) {
        entry(&mut self.books());
        self.changed.send_replace(());
    }

    /// A message has its receipt.
    pub(crate) fn receipted(&self, message: &pb::SignedMessage) {
        let header = header_of(message);
        let recipients = header.recipients.iter().map(|one| match &one.target {
            Some(Target::Address(address)) => address.clone(),
            other => panic!("an address, not {other:?}"),
        });
        let sent = Sent {
            sender: header.originator.expect("row 5").address,
            recipients: recipients.collect(),
        };
        let id = header.identity.expect("row 2").message_id;
        self.write(|books| {
            assert!(books.receipted.insert(id, sent).is_none(), "one receipt for one message");
        });
    }

    /// A message was handed out, and is kept from now on.
    pub(crate) fn kept(&self, delivery: &Delivery, redelivered: bool) {
        self.write(|books| {
            let kept = books.kept.entry(delivery.clone()).or_default();
            kept.hand_outs += 1;
            kept.unmarked += u32::from(!redelivered);
        });
    }

    /// The node has confirmed that the message is off its hands.
    pub(crate) fn confirmed(&self, delivery: &Delivery) {
        self.write(|books| books.kept.entry(delivery.clone()).or_default().confirmed += 1);
    }

    /// Messages with a receipt.
    pub(crate) fn receipts(&self) -> usize {
        self.books().receipted.len()
    }

    /// What a sender must have been told in the end: one receipt for each of its messages,
    /// and that each recipient has taken it. By event, id and recipient.
    pub(crate) fn owed_to(&self, agency: &str) -> BTreeSet<(Event, String, String)> {
        let books = self.books();
        let own = books.receipted.iter().filter(|(_, sent)| sent.sender == agency);
        let owed = own.flat_map(|(id, sent)| {
            let ends = sent.recipients.iter();
            let ends = ends.map(|recipient| (Event::HandedOver, id.clone(), recipient.clone()));
            ends.chain([(Event::SubmissionAccepted, id.clone(), String::new())])
        });
        owed.collect()
    }

    /// All submissions with a receipt, for the checker. When they were made is not kept.
    pub(crate) fn submissions(&self) -> Vec<Call> {
        let books = self.books();
        let submitted = books.receipted.iter().map(|(id, Sent { sender, recipients })| {
            let ask = Ask::Submit {
                origin: sender.clone(),
                id: id.clone(),
                header: Vec::new(),
                recipients: recipients.clone(),
            };
            done(sender, ask)
        });
        submitted.collect()
    }

    /// Waits for so many receipts.
    pub(crate) async fn wait_for_receipts(&self, count: usize) {
        within(self.wait_until(|books| books.receipted.len() >= count)).await;
    }

    /// Waits until every receipted message was handed out.
    pub(crate) async fn wait_for_all_to_be_kept(&self) {
        let all_kept = |books: &Books| books.promised().all(|one| books.kept.contains_key(&one));
        within(self.wait_until(all_kept)).await;
    }

    async fn wait_until(&self, holds: impl Fn(&Books) -> bool) {
        let mut changed = self.changed.subscribe();
        loop {
            changed.mark_unchanged();
            if holds(&self.books()) {
                return;
            }
            within(changed.changed()).await.expect("the ledger is open");
        }
    }

    /// What must hold in the end.
    pub(crate) fn check(&self) {
        let books = self.books();
        let kept: BTreeSet<_> = books.kept.keys().cloned().collect();
        let promised: BTreeSet<_> = books.promised().collect();
        assert_eq!(kept, promised, "each receipted message once, and no other");
        for (delivery, kept) in &books.kept {
            assert!(kept.unmarked <= 1, "{delivery:?} came again without a mark: {kept:?}");
            assert!(kept.confirmed <= 1, "{delivery:?} was taken twice: {kept:?}");
        }
    }
}

/// A call of an agency that was answered, whenever that was.
pub(super) fn done(by: &str, ask: Ask) -> Call {
    let outcome = Outcome::Ok(Vec::new());
    Call { invoked: 0, returned: 0, at: Millis(0), by: by.to_owned(), ask, outcome }
}

impl Books {
    fn promised(&self) -> impl Iterator<Item = Delivery> {
        self.receipted.iter().flat_map(|(id, sent)| {
            let recipients = sent.recipients.iter().cloned();
            recipients.map(|recipient| Delivery { id: id.clone(), recipient })
        })
    }
}
