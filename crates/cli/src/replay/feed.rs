//! The way of records from files to the node: read on a thread of their own, written
//! and signed where they are sent, a window of them on the way at one time.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use aws_lc_rs::rand;
use barid_gateway::{Mapped, Outcome, read_all};
use barid_link::caps::SUBMIT_WINDOW;
use barid_link::client::{AgencyClient, CallError, SubmitError, SubmitOptions};
use barid_message::Reason;
use barid_message::address::Address;
use barid_message::id::MessageId;
use barid_node::clock;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::letter::{Letter, Unsent, Writer};

/// Records read ahead of one sender.
pub(crate) const AHEAD: usize = 256;

/// Something that happened to a record.
pub(crate) enum Step {
    /// No message can be made of it.
    Unsent(Unsent),
    /// It is on its way to the node.
    Sent { id: MessageId, recipients: Vec<Address>, is_actual: bool },
    /// The node has it on disk.
    Accepted { id: MessageId },
    /// The node refused it.
    Refused { id: MessageId, reason: Reason },
    /// The node did not answer: it may have it or not.
    Unanswered { id: MessageId, error: SubmitError },
}

/// Reads files and folders and deals the records out in turn. Parts of one original go
/// to one taker, which gives them one thread. Blocks; ends early when nobody takes.
pub(crate) fn read(files: Vec<PathBuf>, takers: &[mpsc::Sender<Outcome>]) {
    let mut turn = 0;
    let mut original = None;
    for outcome in read_all(files) {
        let this = outcome.as_ref().ok().map(|mapped| mapped.external_ref.clone());
        if this.is_none() || this != original {
            turn = (turn + 1) % takers.len().max(1);
        }
        original = this;
        let Some(taker) = takers.get(turn) else { return };
        if taker.blocking_send(outcome).is_err() {
            return;
        }
    }
}

/// Submits all records that come, at most `rate` a second, and tells of every step.
///
/// # Errors
/// The system gives no random numbers, or this program's own stream has ended.
pub(crate) async fn submit(
    client: &AgencyClient,
    mut records: mpsc::Receiver<Outcome>,
    mut writer: Writer,
    rate: Option<u32>,
    mut tell: impl FnMut(Step),
) -> anyhow::Result<()> {
    let (mut submitter, mut outcomes) = client.submit_stream(SubmitOptions::default());
    let mut pace = Pace::new(rate);
    let mut sent: Vec<MessageId> = Vec::new();
    let mut open = true;
    let mut waiting = 0_usize;
    while open || waiting > 0 {
        tokio::select! {
            record = pace.next(&mut records), if open && waiting < SUBMIT_WINDOW => {
                match record.map(|record| write(&mut writer, record)).transpose()? {
                    None => open = false,
                    Some(Err(unsent)) => tell(Step::Unsent(unsent)),
                    Some(Ok(letter)) => {
                        let Letter { id, recipients, message, is_actual } = letter;
                        // Told first: it may be received before this task runs again.
                        tell(Step::Sent { id, recipients, is_actual });
                        sent.push(id);
                        submitter.send(message).await?;
                        waiting += 1;
                    }
                }
            }
            outcome = outcomes.next(), if waiting > 0 => {
                let outcome = outcome.context("the submission stream ended early")?;
                waiting -= 1;
                let place = usize::try_from(outcome.sequence)?;
                let id = *sent.get(place).context("an answer to nothing that was sent")?;
                tell(match outcome.result {
                    Ok(_receipt) => Step::Accepted { id },
                    Err(SubmitError::Call(CallError::Refused(refusal))) => {
                        Step::Refused { id, reason: refusal.reason }
                    }
                    Err(error) => Step::Unanswered { id, error },
                });
            }
        }
    }
    Ok(())
}

fn write(writer: &mut Writer, record: Outcome) -> anyhow::Result<Result<Letter, Unsent>> {
    let mapped: Mapped = match record {
        Ok(mapped) => mapped,
        Err(unmapped) => return Ok(Err(unmapped.into())),
    };
    let mut random = [0; 10];
    rand::fill(&mut random).ok().context("the system gives no random numbers")?;
    Ok(writer.write(mapped, clock::now(), random))
}

/// At most so many a second, evenly.
struct Pace {
    gap: Option<Duration>,
    due: Instant,
    /// Came, and waits until it is due.
    held: Option<Outcome>,
}

impl Pace {
    fn new(rate: Option<u32>) -> Self {
        let gap = rate.map(|rate| Duration::from_secs(1) / rate.max(1));
        Self { gap, due: Instant::now(), held: None }
    }

    /// The next record, when it is due; at once where no message can be made of it. May
    /// be dropped and called again.
    async fn next(&mut self, records: &mut mpsc::Receiver<Outcome>) -> Option<Outcome> {
        if self.held.is_none() {
            self.held = records.recv().await;
        }
        if let (Some(gap), Some(Ok(_))) = (self.gap, &self.held) {
            sleep_until(self.due).await;
            self.due = (self.due + gap).max(Instant::now());
        }
        self.held.take()
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;
    use tokio::time::{Duration, timeout};

    use super::Pace;

    #[tokio::test]
    async fn what_cannot_be_mapped_takes_no_time() {
        let (records, mut taken) = mpsc::channel(8);
        for _ in 0..8 {
            let unmapped =
                barid_gateway::Input::from_bytes("letter", b"Dear desk,".to_vec()).next();
            records.send(unmapped.unwrap()).await.unwrap();
        }
        let mut pace = Pace::new(Some(1));
        for _ in 0..8 {
            let next = timeout(Duration::from_millis(900), pace.next(&mut taken)).await;
            assert!(next.unwrap().unwrap().is_err());
        }
    }
}
