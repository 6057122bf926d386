//! The node itself dies.

use anyhow::{Context as _, bail, ensure};
use barid_link::client::SubmitOptions;
use barid_message::header::Purpose;
use tokio::time::Instant;

use super::{PATIENCE, Play, bodies};
use crate::demo::cast::Letter;
use crate::demo::ledger::{Answer, Expected, Ledger};
use crate::demo::narrator::took;
use crate::demo::watch;

/// Messages on their way while it happens.
const TRAFFIC: usize = 600;
/// Messages that a desk holds at one time: few, since a lease may be short.
const AT_ONE_TIME: u32 = 4;
/// Receipts given before it happens.
const BEFORE: usize = 200;

impl Play<'_, '_> {
    /// SIGKILL while traffic runs.
    pub(super) async fn power_cut(&mut self) -> anyhow::Result<()> {
        self.say.scene("08:52", "The lights go out").await?;
        self.say
            .tell(&format!(
                "Customs of pk is sending {TRAFFIC} notes to all three countries, and all desks are \
                 reading, when its node's process is killed in the middle of it, without a chance to save anything."
            ))
            .await?;
        let letters = self.traffic()?;
        let mut desks = watch::inboxes(self.cast, self.book, AT_ONE_TIME);
        let before = self.book.read(|ledger| ledger.accepted());
        let node = &self.site("pk")?.node;
        let starts = node.running().context("the node does not run")?.starts;
        let (sent, killed) = tokio::join!(self.stream(&letters), async {
            let enough = self.book.until(PATIENCE, |ledger| ledger.accepted() >= before + BEFORE);
            ensure!(enough.await, "the notes are not accepted");
            node.kill().await?;
            anyhow::Ok((Instant::now(), self.book.read(|ledger| ledger.accepted()) - before))
        });
        sent?;
        let (killed_at, receipts) = killed?;
        let running = self.site_mut("pk")?.node.started(starts + 1).await?;
        let settled = self.book.until(PATIENCE, |ledger| ledger.is_settled());
        tokio::select! {
            settled = settled => {
                let (unanswered, open) = self.book.read(Ledger::open);
                if !settled {
                    let standing = self.standing().await;
                    bail!(
                        "{unanswered} notes have no answer, {open} have not arrived; {standing}"
                    );
                }
            }
            error = watch::failure(&mut desks) => return Err(error),
        }
        self.say
            .result(&format!(
                "{receipts} receipts had been given. {} after the kill the node was back by \
                 itself, and read from its journal what it owed.",
                took(running.since.saturating_duration_since(killed_at))
            ))
            .await?;
        self.say
            .result(&format!(
                "Customs repeated what had no receipt. All {TRAFFIC} notes are in the right hands, \
                 each one once; what had to be handed out again said so.",
            ))
            .await?;
        Ok(())
    }

    /// Where things stand at each node.
    async fn standing(&self) -> String {
        let mut standing = Vec::with_capacity(self.sites.len());
        for site in &*self.sites {
            let said = site.standing().await;
            standing.push(said.unwrap_or_else(|error| format!("{}: {error}", site.country)));
        }
        standing.join(" / ")
    }

    fn traffic(&self) -> anyhow::Result<Vec<Letter>> {
        let customs = self.cast.member("pk/customs")?;
        let to = ["ir/police", "pk/border-guard", "af/health"];
        let letter = |(number, to): (usize, &str)| {
            let body = bodies::note(&format!("Lorry {number} has passed."));
            customs.sign(self.cast.draft(customs, &[to], Purpose::CustomsMonitoring, body)?)
        };
        (1..=TRAFFIC).zip(to.into_iter().cycle()).map(letter).collect()
    }

    /// Submits over one stream, a window at a time, until each has its receipt.
    async fn stream(&self, letters: &[Letter]) -> anyhow::Result<()> {
        let customs = self.cast.member("pk/customs")?;
        let (mut submitter, mut outcomes) = customs.client.submit_stream(SubmitOptions::default());
        let sending = async move {
            for Letter { key, recipients, message } in letters {
                let expected = Expected::HandedOver;
                self.book.note(|ledger| ledger.sending(key, recipients, expected));
                submitter.send(message.clone()).await?;
            }
            anyhow::Ok(())
        };
        let receiving = async {
            while let Some(outcome) = outcomes.next().await {
                let letter = letters.get(usize::try_from(outcome.sequence)?);
                let key = &letter.context("an answer to nothing that was sent")?.key;
                outcome.result.context("a note has no receipt")?;
                self.book.note(|ledger| ledger.answered(key, Answer::Accepted));
            }
            anyhow::Ok(())
        };
        let (sent, received) = tokio::join!(sending, receiving);
        sent.and(received)
    }
}
