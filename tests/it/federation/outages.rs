//! Nodes that die and links that break, under load.

mod clock;
mod triangle;

use barid_message::Precedence;
use barid_message::address::Address;
use barid_message::compose::Draft;
use history::History;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::crash::ledger::Ledger;
use crate::crash::{consume, submit, told_once_each};
use crate::harness::{Agency, Chance, address, say, within};
use triangle::Triangle;

/// Kills of one run, and as many cuts, unless `BARID_OUTAGES` says otherwise.
const OUTAGES: u32 = 3;

/// Longest cut, in milliseconds.
const CUT_MS: usize = 1_500;

#[derive(Clone, Copy)]
enum Outage {
    /// SIGKILL of one of the nodes.
    Kill,
    /// A cut of one of the links, which goes on while other things happen.
    Cut,
}

/// Every agency sends to those of both other nodes, also to both with one message, while
/// nodes are killed and links are cut at random moments; then the journals of all three
/// are read side by side.
#[tokio::test(flavor = "multi_thread")]
async fn custody_holds_between_three_nodes_whatever_breaks() {
    let mut chance = Chance::seeded("federation::outages");
    let mut triangle = Triangle::start().await;
    let ledger = Ledger::default();
    let (stop, stopped) = watch::channel(false);
    let (mut senders, mut consumers, mut cuts) = (JoinSet::new(), JoinSet::new(), JoinSet::new());
    for (place, name) in Triangle::agencies() {
        let node = &triangle.nodes[place];
        let others = Triangle::agencies().filter(|(other, _)| *other != place);
        let others = others.map(|(_, name)| address(name)).collect();
        let draft = drafts(others, chance.branch());
        senders.spawn(submit(node.agency(name).await, draft, ledger.clone(), stopped.clone()));
        consumers.spawn(consume(node.agency(name).await, ledger.clone()));
    }
    for outage in outages(&mut chance) {
        ledger.wait_for_receipts(ledger.receipts() + 10 + chance.below(60)).await;
        match outage {
            Outage::Kill => triangle.kill_one(&mut chance).await,
            Outage::Cut => {
                let time = chance.millis(CUT_MS);
                cuts.spawn(triangle.wire(&mut chance).cut_for(time));
            }
        }
    }
    cuts.join_all().await;
    stop.send(true).expect("senders run");
    while let Some(sender) = within(senders.join_next()).await {
        sender.expect("a sender does not panic");
    }
    ledger.wait_for_all_to_be_kept().await;
    let mut calls = ledger.submissions();
    for (place, name) in Triangle::agencies() {
        calls.extend(told_once_each(&triangle.nodes[place], name, &ledger).await);
    }
    ledger.check();
    consumers.shutdown().await;
    say(&format!("federation::outages: {} messages", ledger.receipts()));
    let violations = history::check(&History { calls, books: triangle.stop() });
    assert!(violations.is_empty(), "{violations:#?}");
}

/// So many kills and so many cuts, in any order.
fn outages(chance: &mut Chance) -> Vec<Outage> {
    let asked = std::env::var_os("BARID_OUTAGES").and_then(|text| text.to_str()?.parse().ok());
    let each = asked.unwrap_or(OUTAGES);
    let mut outages: Vec<_> = (0..each).flat_map(|_| [Outage::Kill, Outage::Cut]).collect();
    chance.shuffle(&mut outages);
    outages
}

/// Messages to one or more of these, in all lanes.
fn drafts(others: Vec<Address>, mut chance: Chance) -> impl FnMut(&Agency) -> Draft {
    move |sender| {
        let draft = match chance.below(16) {
            0 => sender.alert("Stolen truck").flash("it crosses within the hour"),
            1 => sender.note("One by one.").precedence(Precedence::Immediate),
            2..6 => sender.note("One by one.").precedence(Precedence::Priority),
            _ => sender.note("One by one."),
        };
        let first = chance.below(others.len());
        let more = if chance.once_in(3) { others.len() - 1 } else { 0 };
        (0..=more).fold(draft, |draft, step| draft.to(&others[(first + step) % others.len()]))
    }
}
