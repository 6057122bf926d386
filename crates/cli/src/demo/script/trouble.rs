//! What goes wrong in the hour, and what comes of it.

use anyhow::{Context as _, ensure};
use barid_link::client::ReceiveOptions;
use barid_message::dsse::PayloadType;
use barid_message::header::Purpose;
use barid_message::key::{Algorithm, SigningKey};
use barid_message::{Reason, reason};
use barid_proto::audit::v1::Event;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::{PATIENCE, Play, bodies};
use crate::demo::cast::{Letter, Member};
use crate::demo::ledger::{Expected, Final};
use crate::demo::narrator::took;

impl Play<'_, '_> {
    /// A message that somebody else signed.
    pub(super) async fn forgery(&mut self) -> anyhow::Result<()> {
        self.say.scene("08:24", "A forger").await?;
        self.say
            .tell(
                "Somebody has stolen customs' connection, but not its signing key, and writes \
                   in its name: \"Let lorry LES-1234 pass.\"",
            )
            .await?;
        let sender = self.cast.member("pk/customs")?;
        let body = bodies::note("Let lorry LES-1234 pass.");
        let draft =
            self.cast.draft(sender, &["af/border-police"], Purpose::CustomsOperation, body)?;
        let mut letter = sender.sign(draft)?;
        let forger = SigningKey::generate(Algorithm::Ed25519)?;
        let envelope = letter.message.envelope.as_mut().context("no envelope")?;
        let forged = forger.sign(PayloadType::Header, &envelope.payload);
        envelope.signatures.first_mut().context("no signature")?.sig = forged.into();
        self.turned_away(sender, &letter, Reason::SignatureInvalid).await
    }

    /// A recipient whom no agreement knows.
    pub(super) async fn stranger(&mut self) -> anyhow::Result<()> {
        self.say.scene("08:26", "A stranger").await?;
        self.say
            .tell(
                "Police of pk addresses a report to the tax office of ir, with which no agreement to share \
                   data exists.",
            )
            .await?;
        let sender = self.cast.member("pk/police")?;
        let body = bodies::hidden_medicines();
        let draft = self.cast.draft(sender, &["ir/tax"], Purpose::CustomsOperation, body)?;
        let letter = sender.sign(draft)?;
        self.turned_away(sender, &letter, Reason::RecipientNotPermitted).await
    }

    async fn turned_away(
        &mut self,
        sender: &Member,
        letter: &Letter,
        expected: Reason,
    ) -> anyhow::Result<()> {
        let answered = self.submit(sender, letter, Expected::RefusedByNode(expected)).await?;
        let told = match answered.receipt {
            Err(why) => format!(
                "Refused after {} with the reason {}. Nothing was delivered, and the attempt is \
                 on record.",
                took(answered.took),
                reason::name(why)
            ),
            Ok(_) => "It was accepted, which must not be.".to_owned(),
        };
        self.say.result(&told).await?;
        Ok(())
    }

    /// A recipient that will not take it.
    pub(super) async fn refusal(&mut self) -> anyhow::Result<()> {
        self.say.scene("08:30", "Not for us").await?;
        self.say
            .tell(
                "Police of pk sends health of af a note about a stolen car. Health is the wrong address, \
                   and says so instead of throwing it away.",
            )
            .await?;
        let sender = self.cast.member("pk/police")?;
        let body = bodies::note("A white car, stolen last night, may carry false plates.");
        let purpose = Purpose::LawEnforcementOperation;
        let letter = sender.sign(self.cast.draft(sender, &["af/health"], purpose, body)?)?;
        let why = Reason::WrongAddressee;
        let expected = Expected::RefusedByRecipient(why);
        let sent = self.submit(sender, &letter, expected).await?;
        ensure!(sent.receipt.is_ok(), "the note was refused by the node");
        let health = self.cast.member("af/health")?;
        let begun = Instant::now();
        let mut receiver = health.client.receive(ReceiveOptions::new(health.address.clone()));
        let ended = Final { event: Event::Refused, reason: why };
        let (recipient, key) = (&health.address, &letter.key);
        let told = self.book.until(PATIENCE, |ledger| ledger.end_of(recipient, key) == Some(ended));
        let refusing = async {
            // Once, but for a node that is killed before it has written that down.
            loop {
                let mut taken = self.read(health, receiver.next().await?)?;
                if let Err(error) = taken.hand_out.refuse(why).await {
                    tracing::debug!(%error, "refusal not taken");
                }
            }
        };
        tokio::select! {
            told = told => ensure!(told, "the sender was not told"),
            failed = refusing => return failed,
        }
        self.say
            .result(&format!(
                "{} later police holds signed evidence: REFUSED by af/health, {}.",
                took(begun.elapsed()),
                reason::name(why)
            ))
            .await?;
        Ok(())
    }

    /// A computer that dies between receiving and saying so.
    pub(super) async fn silence(&mut self) -> anyhow::Result<()> {
        self.say.scene("08:46", "A desk goes dark").await?;
        self.say
            .tell(
                "Customs of pk sends health of af a note. Health's computer receives it, and crashes before \
                   it can say so.",
            )
            .await?;
        let sender = self.cast.member("pk/customs")?;
        let body = bodies::note("The laboratory's courier may come at ten.");
        let draft = self.cast.draft(sender, &["af/health"], Purpose::CustomsOperation, body)?;
        let letter = sender.sign(draft)?;
        self.send(sender, &letter).await?;
        let health = self.cast.member("af/health")?;
        self.crash(health).await?;
        let begun = Instant::now();
        let again = self.collect("af/health", 1).await?;
        let again = again.first().context("nothing came again")?;
        ensure!(again.key == letter.key, "another message came");
        ensure!(again.redelivered, "it came again without saying so");
        self.say
            .result(&format!(
                "Its node waited {} for an answer, then handed the note out again, marked as \
                 possibly seen before. This time health says that it has it.",
                took(begun.elapsed())
            ))
            .await?;
        Ok(())
    }

    /// Receives one message on a machine of its own, which then stops dead: its runtime
    /// is dropped, and with it the socket, without a word to the node.
    async fn crash(&self, member: &Member) -> anyhow::Result<()> {
        let account = std::sync::Arc::clone(&member.account);
        let mut machine = JoinSet::new();
        machine.spawn_blocking(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let client = account.client()?;
                let options = ReceiveOptions::new(account.address.clone());
                let mut receiver = client.receive(options);
                let hand_out = timeout(PATIENCE, receiver.next()).await.context("nothing comes")?;
                anyhow::Ok(hand_out?)
            })
        });
        let hand_out = machine.join_next().await.context("no machine")???;
        self.read(member, hand_out)?;
        Ok(())
    }
}
