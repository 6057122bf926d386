//! Runs over one link: messages in at one node, out and acknowledged at the other, and
//! the end told to their sender.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use barid_link::client::{AgencyClient, EvidenceStream};
use barid_message::id::MessageId;
use barid_proto::audit::v1::Event;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::border::Border;
use super::latency::Latency;
use super::letters::Letter;
use super::load::{self, Handed, Receipted};
use super::process::Computed;
use crate::demo::node::Node;
use crate::replay::cpu;

/// One FLASH for so many messages of a backlog, ...
const BACKLOG_OF_EACH_FLASH: u32 = 20;
/// ... but not more than this.
const FLASH_MAX: u32 = 200;

/// What is to be run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) name: &'static str,
    pub(super) messages: u32,
    pub(super) way: Way,
}

/// How messages come to the link.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    /// By single calls, each when the end of the message before has been told.
    OneByOne,
    /// By one stream with so many unanswered, as fast as it goes.
    Stream(usize),
    /// All wait for the link when it comes up; then FLASH are sent among them, each when
    /// the end of the one before has been told.
    Backlog(usize),
}

/// What a run gave for messages of one sort.
pub(super) struct Run {
    pub(super) name: &'static str,
    pub(super) messages: u32,
    /// From the first submission, or from the recipient's node listening, to the last end
    /// told.
    pub(super) elapsed: Option<Duration>,
    /// From a submission to its receipt, checked.
    pub(super) receipt: Latency,
    /// From a submission to its recipient's ack, on record at the recipient's node.
    pub(super) handed_over: Option<Latency>,
    /// From a submission to the evidence of that, checked by the sender.
    pub(super) told: Option<Latency>,
    /// Processor time of the origin's node, the recipient's, and the clients.
    pub(super) cost: Option<Cost>,
}

/// Processor time of one run, of all its messages.
pub(super) struct Cost {
    pub(super) origin: Option<Computed>,
    pub(super) recipient: Option<Computed>,
    pub(super) clients: Option<Duration>,
}

/// Both nodes, running.
struct Nodes {
    origin: Node,
    recipient: Node,
}

/// Messages at their two ends: acknowledged by the consumer, told to the sender.
struct Ends {
    handed: mpsc::Receiver<Handed>,
    told: mpsc::Receiver<Handed>,
    tasks: JoinSet<anyhow::Result<()>>,
}

/// Runs a plan on two new nodes.
pub(super) async fn run(folder: Option<&Path>, plan: Plan) -> anyhow::Result<Vec<Run>> {
    let border = Border::make(folder)?;
    let letters: anyhow::Result<Vec<_>> =
        (0..plan.messages).map(|_| border.writer.letter(1)).collect();
    let letters: Arc<[Letter]> = letters?.into();
    let runs = match plan.way {
        Way::OneByOne => vec![one_by_one(&border, plan, &letters).await?],
        Way::Stream(window) => vec![stream(&border, plan, letters, window).await?],
        Way::Backlog(window) => backlog(&border, plan, letters, window).await?,
    };
    border.close()?;
    Ok(runs)
}

async fn one_by_one(border: &Border, plan: Plan, letters: &[Letter]) -> anyhow::Result<Run> {
    let nodes = Nodes::start(border).await?;
    let sender = border.origin.client().await?;
    let mut ends = Ends::watch(border, plan.messages, &sender).await?;
    let before = nodes.computed();
    let begun = Instant::now();
    let (mut receipted, mut handed, mut told) = (Vec::new(), Vec::new(), Vec::new());
    for place in 0..letters.len() {
        receipted.push(load::call(&sender, letters, place).await?);
        ends.take(1, &mut handed, &mut told).await?;
    }
    let cost = nodes.computed().since(&before);
    ends.close().await?;
    nodes.stop().await?;
    Ok(measured(plan.name, begun, letters, &receipted, [&handed, &told], Some(cost)))
}

async fn stream(
    border: &Border,
    plan: Plan,
    letters: Arc<[Letter]>,
    window: usize,
) -> anyhow::Result<Run> {
    let nodes = Nodes::start(border).await?;
    let sender = border.origin.client().await?;
    let mut ends = Ends::watch(border, plan.messages, &sender).await?;
    let before = nodes.computed();
    let begun = Instant::now();
    let (mut handed, mut told) = (Vec::new(), Vec::new());
    let (receipted, ()) = tokio::try_join!(
        load::stream(sender, Arc::clone(&letters), window),
        ends.take(plan.messages, &mut handed, &mut told)
    )?;
    let cost = nodes.computed().since(&before);
    ends.close().await?;
    nodes.stop().await?;
    Ok(measured(plan.name, begun, &letters, &receipted, [&handed, &told], Some(cost)))
}

async fn backlog(
    border: &Border,
    plan: Plan,
    letters: Arc<[Letter]>,
    window: usize,
) -> anyhow::Result<Vec<Run>> {
    let count = (plan.messages / BACKLOG_OF_EACH_FLASH).min(FLASH_MAX);
    let flash: anyhow::Result<Vec<_>> = (0..count).map(|_| border.writer.flash()).collect();
    let flash = flash?;
    let origin = border.origin.start().await?;
    let sender = border.origin.client().await?;
    let receipted = load::stream(sender.clone(), Arc::clone(&letters), window).await?;

    let nodes = Nodes { origin, recipient: border.recipient.start().await? };
    let before = nodes.computed();
    let begun = Instant::now();
    let mut ends = Ends::watch(border, plan.messages + count, &sender).await?;
    border.origin.linked().await?;
    let (mut handed, mut told) = (Vec::new(), Vec::new());
    let mut flash_receipted = Vec::new();
    for (place, letter) in flash.iter().enumerate() {
        flash_receipted.push(load::call(&sender, &flash, place).await?);
        ends.take_until(letter.id, &mut handed, &mut told).await?;
    }
    let all = letters.len() + flash.len();
    while handed.len() < all || told.len() < all {
        ends.take_either(&mut handed, &mut told).await?;
    }
    let cost = nodes.computed().since(&before);
    ends.close().await?;
    nodes.stop().await?;

    // A FLASH that was sent when nothing waited any more overtook nothing.
    let is_flash = |end: &&Handed| flash.iter().any(|letter| letter.id == end.id);
    let drained = handed.iter().filter(|end| !is_flash(end)).map(|end| end.at).max();
    flash_receipted.retain(|one| drained.is_some_and(|drained| one.begun < drained));
    let mut waited = measured(plan.name, begun, &letters, &receipted, [&handed, &told], Some(cost));
    // How long they waited for the link is no figure of the link.
    (waited.handed_over, waited.told) = (None, None);
    waited.messages += count;
    let mut urgent =
        measured("FLASH among them", begun, &flash, &flash_receipted, [&handed, &told], None);
    urgent.elapsed = None;
    Ok(vec![waited, urgent])
}

/// The figures of those messages that have a receipt here.
fn measured(
    name: &'static str,
    begun: Instant,
    letters: &[Letter],
    receipted: &[Receipted],
    [handed, told]: [&[Handed]; 2],
    cost: Option<Cost>,
) -> Run {
    let last = told.iter().map(|end| end.at).max().unwrap_or(begun);
    Run {
        name,
        messages: u32::try_from(receipted.len()).unwrap_or(u32::MAX),
        elapsed: Some(last.saturating_duration_since(begun)),
        receipt: Latency::of(receipted.iter().map(|one| one.done - one.begun).collect()),
        handed_over: Some(Latency::of(load::delays(letters, receipted, handed))),
        told: Some(Latency::of(load::delays(letters, receipted, told))),
        cost,
    }
}

impl Ends {
    /// Consumes so many messages, and hears of as many ends.
    async fn watch(border: &Border, messages: u32, sender: &AgencyClient) -> anyhow::Result<Self> {
        let (hand, handed) = mpsc::channel(load::COUNTED_LATER);
        let (tell, told) = mpsc::channel(load::COUNTED_LATER);
        let consumer = border.recipient.client().await?;
        let mut tasks = JoinSet::new();
        tasks.spawn(load::consume(consumer, Arc::clone(&border.trust), messages, hand));
        tasks.spawn(hear(sender.evidence(String::new(), true), messages, tell));
        Ok(Self { handed, told, tasks })
    }

    /// Takes so many of both.
    async fn take(
        &mut self,
        messages: u32,
        handed: &mut Vec<Handed>,
        told: &mut Vec<Handed>,
    ) -> anyhow::Result<()> {
        let all = (handed.len(), told.len());
        let more = usize::try_from(messages)?;
        while handed.len() < all.0 + more || told.len() < all.1 + more {
            self.take_either(handed, told).await?;
        }
        Ok(())
    }

    /// Takes what comes until this message has come to both ends.
    async fn take_until(
        &mut self,
        id: MessageId,
        handed: &mut Vec<Handed>,
        told: &mut Vec<Handed>,
    ) -> anyhow::Result<()> {
        let is_it = |ends: &[Handed]| ends.last().is_some_and(|end| end.id == id);
        // The answer to the ack may be slower than the evidence of it.
        let (mut was_handed, mut was_told) = (false, false);
        while !(was_handed && was_told) {
            self.take_either(handed, told).await?;
            was_handed |= is_it(handed);
            was_told |= is_it(told);
        }
        Ok(())
    }

    async fn take_either(
        &mut self,
        handed: &mut Vec<Handed>,
        told: &mut Vec<Handed>,
    ) -> anyhow::Result<()> {
        tokio::select! {
            Some(end) = self.handed.recv() => handed.push(end),
            Some(end) = self.told.recv() => told.push(end),
            // One that fails says why; without it the other would wait for ever.
            Some(task) = self.tasks.join_next() => task.context("a task was stopped")??,
            else => anyhow::bail!("messages are missing"),
        }
        Ok(())
    }

    async fn close(mut self) -> anyhow::Result<()> {
        while let Some(task) = self.tasks.join_next().await {
            task.context("a task was stopped")??;
        }
        Ok(())
    }
}

/// Hears, and checks, that so many messages were handed over.
async fn hear(
    mut evidence: EvidenceStream,
    messages: u32,
    tell: mpsc::Sender<Handed>,
) -> anyhow::Result<()> {
    let mut ends = 0;
    while ends < messages {
        let next = evidence.next().await?.context("the evidence ends")?;
        let said = next.statement?;
        match said.event() {
            Event::SubmissionAccepted | Event::RelayAccepted => continue,
            event => ensure!(event == Event::HandedOver, "a message ended otherwise: {event:?}"),
        }
        let id = MessageId::parse(&said.message_id)?;
        tell.send(Handed { id, at: Instant::now() }).await.context("nobody counts")?;
        ends += 1;
    }
    Ok(())
}

impl Nodes {
    /// Starts both, and waits for the link.
    async fn start(border: &Border) -> anyhow::Result<Self> {
        let origin = border.origin.start().await?;
        let recipient = border.recipient.start().await?;
        border.origin.linked().await?;
        border.recipient.linked().await?;
        Ok(Self { origin, recipient })
    }

    fn computed(&self) -> Cost {
        let of = |node: &Node| Computed::of(node.running()?.pid);
        Cost { origin: of(&self.origin), recipient: of(&self.recipient), clients: cpu::own() }
    }

    async fn stop(self) -> anyhow::Result<()> {
        self.recipient.stop().await?;
        self.origin.stop().await
    }
}

impl Cost {
    fn since(self, before: &Self) -> Self {
        let since =
            |now: Option<Computed>, before: &Option<Computed>| Some(now?.since(before.as_ref()?));
        Self {
            origin: since(self.origin, &before.origin),
            recipient: since(self.recipient, &before.recipient),
            clients: self.clients.zip(before.clients).map(|(now, then)| now.saturating_sub(then)),
        }
    }
}
