//! One run: messages in, and every delivery out and acknowledged, at the same time.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use barid_link::client::{AgencyClient, HandOut, ReceiveOptions, SubmitOptions};
use barid_message::id::MessageId;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::latency::Latency;
use super::letters::{Letter, Trust};
use super::process::{self, Computed, Memory};
use super::site::Site;
use crate::demo::node::Node;
use crate::replay::cpu;

/// Hand-overs that wait to be counted.
pub(super) const COUNTED_LATER: usize = 1_024;

/// What is to be run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) name: &'static str,
    pub(super) messages: u32,
    /// Of each message.
    pub(super) recipients: u32,
    pub(super) way: Way,
}

/// How messages are submitted.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    /// By single calls, each when the message before has been handed over.
    OneByOne,
    /// By so many single calls at a time.
    Calls(usize),
    /// By one stream with so many unanswered.
    Stream(usize),
}

/// What a run gave.
pub(super) struct Done {
    /// From the first submission to the last hand-over.
    pub(super) elapsed: Duration,
    /// From a submission to its receipt, checked.
    pub(super) receipt: Latency,
    /// From a submission to its recipient's ack, on record.
    pub(super) handed_over: Latency,
    pub(super) node: Option<Computed>,
    pub(super) client: Option<Duration>,
    pub(super) memory: Option<Memory>,
}

/// When a message was submitted, and when its receipt was there.
pub(super) struct Receipted {
    letter: usize,
    pub(super) begun: Instant,
    pub(super) done: Instant,
}

/// A message that a consumer has checked and acknowledged, or whose end was told.
pub(super) struct Handed {
    pub(super) id: MessageId,
    pub(super) at: Instant,
}

impl Plan {
    pub(super) fn deliveries(&self) -> u32 {
        self.messages * self.recipients
    }
}

/// Runs a plan on a node that has just been started.
pub(super) async fn run(site: &Site, node: &Node, plan: Plan) -> anyhow::Result<Done> {
    let letters: anyhow::Result<Vec<_>> =
        (0..plan.messages).map(|_| site.letter(plan.recipients)).collect();
    let letters: Arc<[Letter]> = letters?.into();
    let sender = site.sender()?;
    // Connections are there before the clock runs.
    sender.node_info().await.context("cannot ask the node")?;
    let (handed, mut hand_overs) = mpsc::channel(COUNTED_LATER);
    let mut consumers = JoinSet::new();
    for client in site.recipients(plan.recipients)? {
        client.node_info().await.context("cannot ask the node")?;
        let trust = Arc::clone(&site.trust);
        consumers.spawn(consume(client, trust, plan.messages, handed.clone()));
    }
    drop(handed);

    let pid = node.running().context("the node is gone")?.pid;
    let (computed, own) = (Computed::of(pid), cpu::own());
    let begun = Instant::now();
    let mut ends = Vec::with_capacity(letters.len());
    let receipted = match plan.way {
        Way::OneByOne => one_by_one(&sender, &letters, plan, &mut hand_overs, &mut ends).await?,
        Way::Calls(calls) => {
            let mut callers = callers(&sender, &letters, calls);
            count(&mut hand_overs, plan.deliveries(), &mut ends).await;
            all(&mut callers).await?
        }
        Way::Stream(window) => {
            let mut sending = JoinSet::new();
            sending.spawn(stream(sender, Arc::clone(&letters), window));
            count(&mut hand_overs, plan.deliveries(), &mut ends).await;
            all(&mut sending).await?
        }
    };
    let client = cpu::own().zip(own).map(|(now, before)| now.saturating_sub(before));
    let node_computed = Computed::of(pid).zip(computed).map(|(now, before)| now.since(&before));
    let memory = process::memory(pid);
    while let Some(consumer) = consumers.join_next().await {
        consumer.context("a consumer was stopped")??;
    }
    ensure!(ends.len() == usize::try_from(plan.deliveries())?, "deliveries are missing");
    let last = ends.iter().map(|end| end.at).max().unwrap_or(begun);
    Ok(Done {
        elapsed: last.saturating_duration_since(begun),
        handed_over: Latency::of(delays(&letters, &receipted, &ends)),
        receipt: Latency::of(receipted.iter().map(|one| one.done - one.begun).collect()),
        node: node_computed,
        client,
        memory,
    })
}

/// From each message's submission to each of its hand-overs.
pub(super) fn delays(
    letters: &[Letter],
    receipted: &[Receipted],
    ends: &[Handed],
) -> Vec<Duration> {
    let begun = receipted.iter().filter_map(|one| Some((letters.get(one.letter)?.id, one.begun)));
    let begun: HashMap<_, _> = begun.collect();
    let delay = |end: &Handed| Some(end.at.saturating_duration_since(*begun.get(&end.id)?));
    ends.iter().filter_map(delay).collect()
}

/// Takes hand-overs until all are there, or the consumers have ended: one of them then
/// says why.
async fn count(hand_overs: &mut mpsc::Receiver<Handed>, deliveries: u32, ends: &mut Vec<Handed>) {
    for _ in 0..deliveries {
        match hand_overs.recv().await {
            Some(end) => ends.push(end),
            None => return,
        }
    }
}

async fn one_by_one(
    sender: &AgencyClient,
    letters: &[Letter],
    plan: Plan,
    hand_overs: &mut mpsc::Receiver<Handed>,
    ends: &mut Vec<Handed>,
) -> anyhow::Result<Vec<Receipted>> {
    let mut receipted = Vec::with_capacity(letters.len());
    for index in 0..letters.len() {
        receipted.push(call(sender, letters, index).await?);
        count(hand_overs, plan.recipients, ends).await;
    }
    Ok(receipted)
}

/// Callers that share the messages.
fn callers(
    sender: &AgencyClient,
    letters: &Arc<[Letter]>,
    calls: usize,
) -> JoinSet<anyhow::Result<Vec<Receipted>>> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut callers = JoinSet::new();
    for _ in 0..calls {
        let (sender, letters, next) = (sender.clone(), Arc::clone(letters), Arc::clone(&next));
        callers.spawn(async move {
            let mut receipted = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= letters.len() {
                    return Ok(receipted);
                }
                receipted.push(call(&sender, &letters, index).await?);
            }
        });
    }
    callers
}

async fn all(
    tasks: &mut JoinSet<anyhow::Result<Vec<Receipted>>>,
) -> anyhow::Result<Vec<Receipted>> {
    let mut receipted = Vec::new();
    while let Some(task) = tasks.join_next().await {
        receipted.extend(task.context("a sender was stopped")??);
    }
    Ok(receipted)
}

pub(super) async fn call(
    sender: &AgencyClient,
    letters: &[Letter],
    letter: usize,
) -> anyhow::Result<Receipted> {
    let message = letters.get(letter).context("no such message")?.message.clone();
    let begun = Instant::now();
    sender.submit(message).await?;
    Ok(Receipted { letter, begun, done: Instant::now() })
}

pub(super) async fn stream(
    sender: AgencyClient,
    letters: Arc<[Letter]>,
    window: usize,
) -> anyhow::Result<Vec<Receipted>> {
    let options = SubmitOptions { window, ..SubmitOptions::default() };
    let (mut submitter, mut outcomes) = sender.submit_stream(options);
    let (begins, mut begun) = mpsc::channel(window);
    let mut sending = JoinSet::new();
    sending.spawn(async move {
        for letter in letters.iter() {
            let message = letter.message.clone();
            // The clock of a message runs while it waits for its place in the window.
            begins.send(Instant::now()).await.context("nobody counts")?;
            submitter.send(message).await?;
        }
        anyhow::Ok(())
    });
    let mut times = Vec::new();
    let mut receipted = Vec::new();
    while let Some(outcome) = outcomes.next().await {
        outcome.result?;
        let done = Instant::now();
        let letter = usize::try_from(outcome.sequence)?;
        while times.len() <= letter {
            times.push(begun.recv().await.context("a receipt for what was not sent")?);
        }
        receipted.push(Receipted { letter, begun: times[letter], done });
    }
    while let Some(sent) = sending.join_next().await {
        sent.context("a sender was stopped")??;
    }
    Ok(receipted)
}

/// Receives, checks and acknowledges so many messages, as many at a time as the node
/// hands out.
pub(super) async fn consume(
    client: AgencyClient,
    trust: Arc<Trust>,
    messages: u32,
    handed: mpsc::Sender<Handed>,
) -> anyhow::Result<()> {
    let mut receiver = client.receive(ReceiveOptions::new(client.address().clone()));
    let mut acks = JoinSet::new();
    for _ in 0..messages {
        let hand_out = receiver.next().await?;
        ensure!(!hand_out.redelivered(), "a message was handed out twice: the machine is too busy");
        acks.spawn(keep(hand_out, Arc::clone(&trust), handed.clone()));
        while let Some(ack) = acks.try_join_next() {
            ack.context("an ack was stopped")??;
        }
    }
    while let Some(ack) = acks.join_next().await {
        ack.context("an ack was stopped")??;
    }
    Ok(())
}

async fn keep(
    mut hand_out: HandOut,
    trust: Arc<Trust>,
    handed: mpsc::Sender<Handed>,
) -> anyhow::Result<()> {
    let message = trust.verify(hand_out.message().clone())?;
    hand_out.ack().await?;
    let id = message.header().message_id();
    handed.send(Handed { id, at: Instant::now() }).await.context("nobody counts")
}
