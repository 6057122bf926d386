//! What senders and consumers know for themselves, to hold the node against.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use barid_message::address::Address;
use tokio::sync::watch;

use crate::harness::{Agency, within};

/// Shared by all who send and receive.
#[derive(Clone)]
pub(crate) struct Ledger {
    books: Arc<Mutex<Books>>,
    changed: Arc<watch::Sender<()>>,
}

#[derive(Default)]
struct Books {
    /// Ids with a receipt, and who has it.
    receipted: BTreeMap<String, Address>,
    /// What was handed out, by id.
    kept: BTreeMap<String, Kept>,
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
    pub(crate) fn receipted(&self, sender: &Agency, id: String) {
        self.write(|books| {
            let before = books.receipted.insert(id, sender.address.clone());
            assert_eq!(before, None, "one receipt for one message");
        });
    }

    /// A message was handed out, and is kept from now on.
    pub(crate) fn kept(&self, id: &str, redelivered: bool) {
        self.write(|books| {
            let kept = books.kept.entry(id.to_owned()).or_default();
            kept.hand_outs += 1;
            kept.unmarked += u32::from(!redelivered);
        });
    }

    /// The node has confirmed that the message is off its hands.
    pub(crate) fn confirmed(&self, id: &str) {
        self.write(|books| books.kept.entry(id.to_owned()).or_default().confirmed += 1);
    }

    /// Messages with a receipt.
    pub(crate) fn receipts(&self) -> usize {
        self.books().receipted.len()
    }

    /// Messages of one sender with a receipt.
    pub(crate) fn sent_by(&self, agency: &str) -> Vec<String> {
        let books = self.books();
        let receipted = books.receipted.iter();
        let own = receipted.filter(|(_, sender)| sender.as_str() == agency);
        own.map(|(id, _)| id.clone()).collect()
    }

    /// Waits for so many receipts.
    pub(crate) async fn wait_for_receipts(&self, count: usize) {
        within(self.wait_until(|books| books.receipted.len() >= count)).await;
    }

    /// Waits until every receipted message was handed out.
    pub(crate) async fn wait_for_all_to_be_kept(&self) {
        let all_kept = |books: &Books| books.receipted.keys().all(|id| books.kept.contains_key(id));
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
        let (kept, receipted) = (books.kept.keys(), books.receipted.keys());
        assert!(kept.eq(receipted), "each receipted message once, and no other");
        for (id, kept) in &books.kept {
            assert!(kept.unmarked <= 1, "{id} came again without a mark: {kept:?}");
            assert!(kept.confirmed <= 1, "{id} was taken twice: {kept:?}");
        }
    }
}
