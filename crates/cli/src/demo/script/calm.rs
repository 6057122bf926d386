//! The ordinary part of the hour.

use barid_message::header::{Precedence, Purpose};

use super::{Play, bodies};
use crate::demo::narrator::took;

impl Play<'_, '_> {
    /// An alert to three agencies.
    pub(super) async fn alert(&mut self) -> anyhow::Result<()> {
        self.say.scene("08:00", "A stolen truck").await?;
        self.say
            .tell(
                "The border guard of pk warns its own police, customs of ir and health of af of a \
                   stolen truck. It signs the alert with its own key: nobody can change a word on the way.",
            )
            .await?;
        let sender = self.cast.member("pk/border-guard")?;
        let to = ["pk/police", "ir/customs", "af/health"];
        let draft = self.cast.draft(sender, &to, Purpose::Security, bodies::stolen_truck())?;
        let letter = sender.sign(draft.precedence(Precedence::Immediate))?;
        let (receipt, accepted) = self.send(sender, &letter).await?;
        let delivered = self.deliver(&letter).await?;
        self.say
            .result(&format!(
                "After {} its node had it safely on disk and gave a signed receipt, number {} of \
                 its log.",
                took(accepted),
                receipt.statement.position
            ))
            .await?;
        self.say
            .result(&format!(
                "All three fetched it from their own nodes, one after another, in {}, checked the \
                 signature themselves, and said so.",
                took(delivered)
            ))
            .await?;
        Ok(())
    }

    /// An incident, in two languages.
    pub(super) async fn incident(&mut self) -> anyhow::Result<()> {
        self.say.scene("08:07", "Medicine behind the oranges").await?;
        self.say
            .tell(
                "Customs of pk finds counterfeit medicine in a fruit lorry and reports it to its \
                   police and to health of af, in English and Pashto.",
            )
            .await?;
        let sender = self.cast.member("pk/customs")?;
        let to = ["pk/police", "af/health"];
        let purpose = Purpose::CustomsOperation;
        let draft = self.cast.draft(sender, &to, purpose, bodies::hidden_medicines())?;
        let letter = sender.sign(draft.precedence(Precedence::Priority))?;
        let (_, accepted) = self.send(sender, &letter).await?;
        let delivered = self.deliver(&letter).await?;
        self.say
            .result(&format!(
                "Accepted after {}, in both hands after {} more. Customs holds the node's \
                 signature for every step.",
                took(accepted),
                took(delivered)
            ))
            .await?;
        Ok(())
    }

    /// A note, answering.
    pub(super) async fn note(&mut self) -> anyhow::Result<()> {
        self.say.scene("08:12", "A short word").await?;
        self.say
            .tell("Health of af asks customs of pk to keep ten boxes for the laboratory.")
            .await?;
        let sender = self.cast.member("af/health")?;
        let body = bodies::note("Please keep ten boxes for our laboratory.");
        let draft = self.cast.draft(sender, &["pk/customs"], Purpose::Health, body)?;
        let letter = sender.sign(draft)?;
        let (_, accepted) = self.send(sender, &letter).await?;
        let delivered = self.deliver(&letter).await?;
        self.say
            .result(&format!("Over the border and acknowledged in {}.", took(accepted + delivered)))
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
