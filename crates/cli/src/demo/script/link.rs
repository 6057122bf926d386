//! A link that breaks, and heals.

use anyhow::{Context as _, ensure};
use barid_message::header::Purpose;
use tokio::time::{Instant, timeout};

use super::{PATIENCE, Play, bodies, is_flash};
use crate::demo::ledger::Key;
use crate::demo::narrator::took;

/// Notes that pile up before the FLASH.
const BACKLOG: usize = 40;

impl Play<'_, '_> {
    /// What is urgent overtakes what is not, over a link that was down.
    pub(super) async fn broken_link(&mut self) -> anyhow::Result<()> {
        self.say.scene("08:38", "The line to af goes dead").await?;
        self.say
            .tell(&format!(
                "The node of af is killed and stays away. Customs of pk works on: {BACKLOG} \
                 routine notes for af pile up at its own node. Then the border guard of pk sends \
                 a FLASH: armed men at gate 2."
            ))
            .await?;
        let af = &self.site("af")?.node;
        let starts = af.running().context("the node does not run")?.starts;
        af.hold().await?;
        let down_at = Instant::now();
        let cut = self.site("pk")?.cut_off_from("af");
        timeout(PATIENCE, cut).await.context("the link does not break")??;
        let (flash, routine) = self.pile_up().await?;
        let waiting = self.site("pk")?.queued_for("af").await?;
        ensure!(waiting > 0, "nothing waits for the link");
        let down_for = down_at.elapsed();
        self.site("af")?.node.release().await?;
        let up_at = Instant::now();
        self.site_mut("af")?.node.started(starts + 1).await?;
        let taken = self.collect("af/border-police", BACKLOG + 1).await?;
        let (first, rest) = taken.split_first().context("nothing was collected")?;
        ensure!(is_flash(first) && first.key == flash, "a routine note came before the FLASH");
        let mut came: Vec<_> = rest.iter().map(|taken| &taken.key).collect();
        let mut sent: Vec<_> = routine.iter().collect();
        came.sort();
        sent.sort();
        ensure!(came == sent, "other notes came than were sent");
        self.say
            .result(&format!(
                "For {} nobody could be reached; {waiting} messages waited, each with its receipt. \
                 Then the node of af comes back, and {} later the FLASH is the first thing its \
                 border police reads. The {BACKLOG} notes are there after {}.",
                took(down_for),
                took(first.at.saturating_duration_since(up_at)),
                took(up_at.elapsed())
            ))
            .await?;
        Ok(())
    }

    /// Sends what waits: the FLASH last. Gives its key, and those of the rest.
    async fn pile_up(&self) -> anyhow::Result<(Key, Vec<Key>)> {
        let customs = self.cast.member("pk/customs")?;
        let to = ["af/border-police"];
        let mut routine = Vec::with_capacity(BACKLOG);
        for number in 1..=BACKLOG {
            let body = bodies::note(&format!("Manifest {number} of the day is filed."));
            let draft = self.cast.draft(customs, &to, Purpose::CustomsMonitoring, body)?;
            let letter = customs.sign(draft)?;
            self.send(customs, &letter).await?;
            routine.push(letter.key);
        }
        let guard = self.cast.member("pk/border-guard")?;
        let draft = self.cast.draft(guard, &to, Purpose::Security, bodies::armed_men())?;
        let letter = guard.sign(draft.flash("Armed men at gate 2"))?;
        self.send(guard, &letter).await?;
        Ok((letter.key, routine))
    }
}
