//! What every agency does all day: reads its inbox, and what became of its messages.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use barid_link::client::{AgencyClient, HandOut, ReceiveOptions};
use barid_message::address::Address;
use barid_message::{Reason, reason};
use barid_proto::audit::v1::{Event, Evidence};
use barid_proto::message::v1::Status;
use tokio::task::JoinSet;

use super::book::Book;
use super::cast::{Cast, Trust};
use super::ledger::{Final, Key};

/// All statuses: who replays exercises wants to see them.
const STATUSES: [Status; 4] = [Status::Actual, Status::Exercise, Status::System, Status::Test];

/// Tasks that end only with an error, or when dropped.
pub(super) type Watchers = JoinSet<anyhow::Result<()>>;

/// Waits until one of them fails.
pub(super) async fn failure(watchers: &mut Watchers) -> anyhow::Error {
    match watchers.join_next().await {
        Some(Ok(Err(error))) => error,
        Some(Ok(Ok(()))) => anyhow::anyhow!("a stream of the node ended"),
        Some(Err(failed)) if failed.is_panic() => std::panic::resume_unwind(failed.into_panic()),
        Some(Err(_)) => anyhow::anyhow!("a task was cut off"),
        None => std::future::pending().await,
    }
}

/// Every agency reads the node's evidence about what it sent, by cursor, as it comes.
pub(super) fn evidence(cast: &Cast, book: &Book) -> Watchers {
    let mut watchers = Watchers::new();
    for member in cast.members() {
        watchers.spawn(read_evidence(member.client.clone(), book.clone()));
    }
    watchers
}

/// Every agency's consumer receives, checks and acknowledges, at most `window` messages
/// at one time.
pub(super) fn inboxes(cast: &Cast, book: &Book, window: u32) -> Watchers {
    let mut watchers = Watchers::new();
    for member in cast.members() {
        watchers.spawn(read_inbox(member.client.clone(), cast.trust(), book.clone(), window));
    }
    watchers
}

async fn read_evidence(client: AgencyClient, book: Book) -> anyhow::Result<()> {
    let mut stream = client.evidence(String::new(), true);
    while let Some(item) = stream.next().await.context("cannot read evidence")? {
        let statement = item.statement.context("evidence does not hold")?;
        note_evidence(&statement, &book)?;
    }
    bail!("the node ended the evidence")
}

fn note_evidence(statement: &Evidence, book: &Book) -> anyhow::Result<()> {
    let event = statement.event();
    let is_final =
        matches!(event, Event::HandedOver | Event::Refused | Event::Expired | Event::NonDelivered);
    if !is_final {
        return Ok(());
    }
    let key = Key {
        origin: Address::parse(&statement.origin_agency)?,
        id: statement.message_id.parse()?,
    };
    let recipient = Address::parse(&statement.recipient)?;
    let ended = Final { event, reason: reason::from_number(statement.reason) };
    book.note(|ledger| ledger.ended(&recipient, &key, ended));
    Ok(())
}

async fn read_inbox(
    client: AgencyClient,
    trust: Arc<Trust>,
    book: Book,
    window: u32,
) -> anyhow::Result<()> {
    let mut options = ReceiveOptions::new(client.address().clone());
    options.statuses = STATUSES.to_vec();
    options.max_outstanding = window;
    let mut receiver = client.receive(options);
    // As many as the node leaves unanswered.
    let mut answers: JoinSet<anyhow::Result<()>> = JoinSet::new();
    loop {
        tokio::select! {
            hand_out = receiver.next() => {
                let hand_out = hand_out.context("cannot receive")?;
                // Here, and not where it is answered: two hand-outs of one message are
                // written down in the order in which they came.
                let answer = read(client.address(), &hand_out, &trust, &book);
                answers.spawn(keep(client.address().clone(), hand_out, answer, book.clone()));
            }
            Some(answered) = answers.join_next() => match answered {
                Ok(kept) => kept?,
                Err(failed) => std::panic::resume_unwind(failed.into_panic()),
            },
        }
    }
}

/// Checks a message and writes it down; `None` where it does not hold.
fn read(inbox: &Address, hand_out: &HandOut, trust: &Trust, book: &Book) -> Option<Key> {
    match trust.verify(hand_out) {
        Ok((key, _message)) => {
            book.note(|ledger| ledger.received(inbox, &key, hand_out.redelivered()));
            Some(key)
        }
        Err(error) => {
            book.note(|ledger| ledger.fault(format!("{inbox} was handed a bad message: {error}")));
            None
        }
    }
}

/// Says that a message is written down. An answer that gets lost is no fault: the message
/// comes again, marked, and the evidence tells how it ended.
async fn keep(
    inbox: Address,
    mut hand_out: HandOut,
    key: Option<Key>,
    book: Book,
) -> anyhow::Result<()> {
    let Some(key) = key else {
        hand_out.refuse(Reason::Unreadable).await?;
        return Ok(());
    };
    match hand_out.ack().await {
        Ok(_evidence) => book.note(|ledger| ledger.acknowledged(&inbox, &key)),
        Err(error) => tracing::debug!(%key, %error, "acknowledgement not taken"),
    }
    Ok(())
}
