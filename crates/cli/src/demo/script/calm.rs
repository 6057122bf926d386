//! The ordinary part of the hour.

use barid_message::header::{Precedence, Purpose};
use tokio::time::Instant;

use super::{Play, bodies};
use crate::demo::ledger::Key;
use crate::demo::narrator::took;

/// Who tells whom what, every morning.
const MORNING: [(&str, &[&str], Purpose, &str); 6] = [
    (
        "pk/customs",
        &["ir/customs", "af/border-police"],
        Purpose::CustomsMonitoring,
        "214 lorries in the night, nothing unusual.",
    ),
    ("ir/customs", &["pk/customs"], Purpose::CustomsMonitoring, "Our gate opens at six."),
    (
        "af/border-police",
        &["pk/border-guard", "ir/police"],
        Purpose::BorderMonitoring,
        "The road is dry, 90 people wait.",
    ),
    ("af/health", &["pk/health"], Purpose::Health, "No new cases at the crossing."),
    ("pk/health", &["af/health"], Purpose::Health, "None here. Vaccines come at ten."),
    ("ir/police", &["pk/police"], Purpose::BorderMonitoring, "A quiet night."),
];

impl Play<'_, '_> {
    /// What is sent every morning.
    pub(super) async fn morning(&mut self) -> anyhow::Result<()> {
        self.say.scene("08:00", "A routine morning").await?;
        self.say
            .tell(
                "Customs, police and health of the three countries tell each other how the \
                   night was.",
            )
            .await?;
        let begun = Instant::now();
        for (from, to, purpose, words) in MORNING {
            let sender = self.cast.member(from)?;
            let letter =
                sender.sign(self.cast.draft(sender, to, purpose, bodies::note(words))?)?;
            self.send(sender, &letter).await?;
            self.deliver(&letter).await?;
        }
        self.say
            .result(&format!(
                "{} notes, one after another, over three borders, all read and acknowledged \
                 within {}.",
                MORNING.len(),
                took(begun.elapsed())
            ))
            .await?;
        Ok(())
    }

    /// An alert of one country's police, and another's customs that stops the truck.
    pub(super) async fn alert(&mut self) -> anyhow::Result<Key> {
        self.say.scene("08:07", "A stolen truck").await?;
        self.say
            .tell(
                "Police of pk warns customs of ir, border police of af and its own border guard \
                   of a stolen truck. It signs the alert with its own key: nobody can change a \
                   word on the way.",
            )
            .await?;
        let sender = self.cast.member("pk/police")?;
        let to = ["ir/customs", "af/border-police", "pk/border-guard"];
        let draft = self.cast.draft(sender, &to, Purpose::Security, bodies::stolen_truck())?;
        let alert = sender.sign(draft.precedence(Precedence::Immediate))?;
        let (receipt, accepted) = self.send(sender, &alert).await?;
        let delivered = self.deliver(&alert).await?;
        let customs = self.cast.member("ir/customs")?;
        let body = bodies::note("LES-1234 is stopped at our gate; the driver is held.");
        let draft = self.cast.draft(customs, &["pk/police"], Purpose::Security, body)?;
        let hit = customs.sign(draft.precedence(Precedence::Immediate).thread(alert.key.id))?;
        let (_, answered) = self.send(customs, &hit).await?;
        let known = self.deliver(&hit).await?;
        self.say
            .result(&format!(
                "After {} the node of pk had the alert safely on disk and gave a signed receipt, \
                 number {} of its log. {} later all three had fetched it at their own nodes and \
                 checked the signature themselves.",
                took(accepted),
                receipt.statement.position,
                took(delivered)
            ))
            .await?;
        self.say
            .result(&format!(
                "Customs of ir stops the truck, and police of pk reads so {} after that was sent.",
                took(answered + known)
            ))
            .await?;
        Ok(alert.key)
    }

    /// An incident in two languages, and what became of it.
    pub(super) async fn incident(&mut self) -> anyhow::Result<()> {
        self.say.scene("08:12", "Medicine behind the oranges").await?;
        self.say
            .tell(
                "Customs of pk finds counterfeit medicine in a fruit lorry and reports it to its \
                   police and to health of af, in English and Pashto. Later it reports what the \
                   laboratory says.",
            )
            .await?;
        let sender = self.cast.member("pk/customs")?;
        let to = ["pk/police", "af/health"];
        let purpose = Purpose::CustomsOperation;
        let draft = self.cast.draft(sender, &to, purpose, bodies::hidden_medicines())?;
        let first = sender.sign(draft.precedence(Precedence::Priority))?;
        let (_, accepted) = self.send(sender, &first).await?;
        let delivered = self.deliver(&first).await?;
        let draft = self.cast.draft(sender, &to, purpose, bodies::tested_medicines())?;
        let follow_up = sender.sign(draft.precedence(Precedence::Priority).thread(first.key.id))?;
        let (_, accepted_too) = self.send(sender, &follow_up).await?;
        let delivered_too = self.deliver(&follow_up).await?;
        self.say
            .result(&format!(
                "The first report was in both hands after {}, the follow-up, in the same thread, \
                 after {}. Customs holds a node's signature for every step.",
                took(accepted + delivered),
                took(accepted_too + delivered_too)
            ))
            .await?;
        Ok(())
    }

    /// The same bytes twice.
    pub(super) async fn repeat(&mut self) -> anyhow::Result<()> {
        self.say.scene("08:20", "Better twice than never").await?;
        self.say
            .tell(
                "Customs sends a note, but the line breaks before the answer. Did it arrive? \
                   Customs does not guess: it sends the very same bytes again.",
            )
            .await?;
        let sender = self.cast.member("pk/customs")?;
        let body = bodies::note("Ten boxes are set aside in store 4.");
        let draft = self.cast.draft(sender, &["af/health"], Purpose::CustomsOperation, body)?;
        let letter = sender.sign(draft)?;
        let (first, _) = self.send(sender, &letter).await?;
        let (second, _) = self.send(sender, &letter).await?;
        anyhow::ensure!(
            second.repeated && first.evidence == second.evidence,
            "the second receipt is not the first one"
        );
        self.deliver(&letter).await?;
        self.say
            .result(
                "The node knew it, and gave the same receipt, byte for byte. Health got the \
                     note once.",
            )
            .await?;
        Ok(())
    }
}
