//! The script: an hour at the border.

mod bodies;
mod calm;
mod crash;
mod link;
mod trouble;

use std::time::Duration;

use anyhow::{Context as _, anyhow, ensure};
use barid_link::client::{CallError, HandOut, Receipt, ReceiveOptions, SubmitError};
use barid_message::address::Address;
use barid_message::header::Precedence;
use barid_message::reason::{self, Reason};
use barid_message::signed::VerifiedMessage;
use barid_proto::message::v1::SignedMessage;
use tokio::time::{Instant, sleep, timeout};

use super::book::Book;
use super::cast::{Cast, Letter, Member};
use super::ledger::{Answer, Expected, Key, Ledger};
use super::narrator::Narrator;
use super::stage::Site;

/// Nothing in a scene takes longer.
const PATIENCE: Duration = Duration::from_secs(60);
/// Pause before an agency sends again what its node did not answer.
const AGAIN: Duration = Duration::from_millis(200);

/// Everything that a scene needs.
pub(super) struct Play<'a, 'o> {
    pub(super) cast: &'a Cast,
    pub(super) sites: &'a mut [Site],
    pub(super) book: &'a Book,
    pub(super) say: &'a mut Narrator<'o>,
}

/// What the node answered to a submission, and after how long.
struct Answered {
    receipt: Result<Receipt, Reason>,
    took: Duration,
}

/// A message that was handed out, and whose signature held.
struct Taken {
    key: Key,
    message: VerifiedMessage,
    redelivered: bool,
    at: Instant,
    hand_out: HandOut,
}

impl Play<'_, '_> {
    /// Plays all scenes; gives the message whose whole story is worth telling.
    pub(super) async fn perform(&mut self) -> anyhow::Result<Key> {
        self.morning().await?;
        let alert = self.alert().await?;
        self.incident().await?;
        self.repeat().await?;
        self.forgery().await?;
        self.stranger().await?;
        self.refusal().await?;
        self.broken_link().await?;
        self.silence().await?;
        self.power_cut().await?;
        Ok(alert)
    }

    /// Submits one message and writes down what came of it.
    async fn submit(
        &self,
        from: &Member,
        letter: &Letter,
        expected: Expected,
    ) -> anyhow::Result<Answered> {
        let Letter { key, recipients, message } = letter;
        self.book.note(|ledger| ledger.sending(key, recipients, expected));
        let begun = Instant::now();
        let receipt = answer(from, message).await.context("no answer from the node")?;
        let took = begun.elapsed();
        let answer = match &receipt {
            Ok(_) => Answer::Accepted,
            Err(reason) => Answer::Refused(*reason),
        };
        self.book.note(|ledger| ledger.answered(key, answer));
        Ok(Answered { receipt, took })
    }

    /// As [`Play::submit`], for what must be accepted.
    async fn send(&self, from: &Member, letter: &Letter) -> anyhow::Result<(Receipt, Duration)> {
        let answered = self.submit(from, letter, Expected::HandedOver).await?;
        Ok((answered.receipt.map_err(refused)?, answered.took))
    }

    /// Opens an agency's inbox, takes so many messages one after another, acknowledges
    /// each, and closes it.
    async fn collect(&self, address: &str, count: usize) -> anyhow::Result<Vec<Taken>> {
        let member = self.cast.member(address)?;
        let mut options = ReceiveOptions::new(member.address.clone());
        options.max_outstanding = 1;
        let mut receiver = member.client.receive(options);
        let mut collected: Vec<Taken> = Vec::with_capacity(count);
        let mut unsure: Option<Key> = None;
        loop {
            // A node that is killed may take an acknowledgement with it: then the message
            // comes again, or its sender is told of its end.
            let told = async {
                match &unsure {
                    Some(key) => self.ended(&member.address, key).await,
                    None => std::future::pending().await,
                }
            };
            let hand_out = tokio::select! {
                hand_out = timeout(PATIENCE, receiver.next()) => Some(hand_out),
                () = told => None,
            };
            if let Some(hand_out) = hand_out {
                let hand_out = hand_out.context("nothing comes any more")??;
                let mut taken = self.read(member, hand_out)?;
                unsure = match taken.hand_out.ack().await {
                    Ok(_evidence) => {
                        self.book.note(|ledger| ledger.acknowledged(&member.address, &taken.key));
                        None
                    }
                    Err(_lost) => Some(taken.key.clone()),
                };
                if collected.iter().all(|before| before.key != taken.key) {
                    collected.push(taken);
                }
            } else {
                unsure = None;
            }
            if collected.len() >= count && unsure.is_none() {
                return Ok(collected);
            }
        }
    }

    /// Waits until a sender was told how a delivery ended.
    async fn ended(&self, recipient: &Address, key: &Key) {
        let is_told = |ledger: &Ledger| ledger.end_of(recipient, key).is_some();
        while !self.book.until(PATIENCE, is_told).await {}
    }

    /// The node of a country.
    fn site(&self, country: &str) -> anyhow::Result<&Site> {
        let mut sites = self.sites.iter();
        sites.find(|site| site.country == country).context("no such country")
    }

    fn site_mut(&mut self, country: &str) -> anyhow::Result<&mut Site> {
        let mut sites = self.sites.iter_mut();
        sites.find(|site| site.country == country).context("no such country")
    }

    /// Checks a message that was handed out, and writes it down.
    fn read(&self, member: &Member, hand_out: HandOut) -> anyhow::Result<Taken> {
        let at = Instant::now();
        let (key, message) = self.cast.trust().verify(&hand_out)?;
        let redelivered = hand_out.redelivered();
        self.book.note(|ledger| ledger.received(&member.address, &key, redelivered));
        Ok(Taken { key, message, redelivered, at, hand_out })
    }

    /// Collects one message at each of these agencies, which must be this one.
    async fn deliver(&self, letter: &Letter) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        for recipient in &letter.recipients {
            let taken = self.collect(recipient.as_str(), 1).await?;
            let same = taken.iter().all(|taken| taken.key == letter.key);
            ensure!(same, "{recipient} got another message than the one sent");
        }
        Ok(begun.elapsed())
    }
}

/// The node's answer to a message. An agency keeps what is not answered and sends it again:
/// whoever kills nodes may leave one away for longer than one call waits.
async fn answer(from: &Member, message: &SignedMessage) -> anyhow::Result<Result<Receipt, Reason>> {
    let begun = Instant::now();
    loop {
        let error = match from.client.submit(message.clone()).await {
            Ok(receipt) => return Ok(Ok(receipt)),
            Err(SubmitError::Call(error)) => error,
            Err(error) => return Err(error.into()),
        };
        match error {
            CallError::Refused(refusal) if !refusal.is_passing() => {
                return Ok(Err(refusal.reason));
            }
            error if error.is_passing() && begun.elapsed() < PATIENCE => sleep(AGAIN).await,
            error => return Err(error.into()),
        }
    }
}

/// Why the demo cannot go on, and what to do: the node refused what is in order.
fn refused(reason: Reason) -> anyhow::Error {
    let what_to_do = match reason {
        Reason::StorageFull => {
            "make room where temporary files go, or name another place in TMPDIR"
        }
        Reason::ClockSuspect => "look at this machine's clock",
        _ => "proto/REASONS.md says what this means",
    };
    anyhow!("the node refused a message that is in order: {}; {what_to_do}", reason::name(reason))
}

/// Whether a message overtakes others.
fn is_flash(taken: &Taken) -> bool {
    taken.message.header().precedence() == Precedence::Flash
}

#[cfg(test)]
mod tests {
    use super::{Reason, refused};

    #[test]
    fn a_disk_that_is_too_small_is_named() {
        let said = refused(Reason::StorageFull).to_string();
        assert!(said.contains("STORAGE_FULL") && said.contains("TMPDIR"), "{said}");
    }
}
