//! Power cuts, block by block: at every FLUSH that the disk was given, the power goes.
//!
//! A node works on a file system whose every write and FLUSH is recorded on its way to the
//! disk. From the record the disk is made again as a power cut would have left it, by three
//! models, and the program is started on that. Whatever had its receipt by then must be there.

mod image;
mod record;
mod rig;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use barid_audit::entry::{Body, Entry, is_final};
use barid_link::client::{AgencyClient, ReceiveOptions};
use barid_proto::message::v1::SignedMessage;
use tokio::task::JoinSet;

use super::in_campaign;
use super::scene::{client, letters};
use crate::harness::{Chance, Node, address, entries, id_of, say, within};
use image::{Image, Model};
use record::Record;
pub(super) use rig::Mounted;
use rig::Recorded;

const SENDER: &str = "pk/customs";
const RECIPIENT: &str = "pk/police";

/// Messages of one run.
const MESSAGES: usize = 500;

/// One image in so many is not only started: its messages are taken as well.
const TAKEN_EVERY: usize = 25;

/// What people knew, and how long the record was then.
#[derive(Default)]
struct Known {
    receipted: BTreeMap<String, u64>,
    confirmed: BTreeMap<String, u64>,
}

type Shared = Arc<Mutex<Known>>;

#[tokio::test(flavor = "multi_thread")]
async fn a_power_cut_at_any_flush_loses_nothing_that_was_receipted() {
    let test = "a_power_cut_at_any_flush_loses_nothing_that_was_receipted";
    if !in_campaign(test) {
        return;
    }
    let flushes = asked();
    let mut chance = Chance::seeded("faults::power");
    let mut node = Node::start(&[SENDER, RECIPIENT]);
    let mail = letters(&node.agency(SENDER).await, &address(RECIPIENT), MESSAGES);
    node.kill();
    std::fs::remove_dir_all(node.data()).expect("removed");
    std::fs::create_dir(node.data()).expect("made");
    let home = tempfile::tempdir().expect("a temporary folder");
    let Some(recorded) = Recorded::on(&node.data(), home.path(), test) else {
        return;
    };
    let known = work(&mut node, &mail, recorded.record()).await;
    let (blank, record) = recorded.end();
    let record = Record::read(&record);
    let cuts: Vec<_> = record.flushes().collect();
    let total = cuts.len();
    let mut chosen: Vec<_> = (0..total).collect();
    chance.shuffle(&mut chosen);
    chosen.truncate(flushes);
    let (mut image, mut images) = (Image::new(blank), 0);
    for (number, cut) in cuts.into_iter().enumerate() {
        image.apply(&record.between(image.at(), cut.at), cut.at);
        if !chosen.contains(&number) {
            continue;
        }
        for model in Model::ALL {
            let lost = record.between(cut.at, cut.next);
            let file = home.path().join("image");
            image.write(&file, &lost, model, &mut chance);
            let _mounted = Mounted::file(&file, &node.data());
            let takes = images % TAKEN_EVERY == 0;
            let checked = check(&mut node, &known, cut.until, takes).await;
            checked.unwrap_or_else(|lost| panic!("flush {number} of {total}, {model:?}: {lost}"));
            images += 1;
        }
    }
    say(&format!("faults::power: {images} images at {} of {total} flushes", chosen.len()));
}

fn asked() -> usize {
    let asked = std::env::var_os("BARID_FLUSHES");
    asked.and_then(|flushes| flushes.to_str()?.parse().ok()).unwrap_or(usize::MAX)
}

/// Sends and takes all mail; gives who knew what when.
async fn work(node: &mut Node, mail: &[SignedMessage], record: &Path) -> Known {
    node.restart();
    let known = Shared::default();
    let mut people = JoinSet::new();
    let taking = take(client(node, RECIPIENT), Arc::clone(&known), record.to_owned(), mail.len());
    people.spawn(taking);
    // Two at a time, so that groups of several messages come about as well.
    for half in 0..2 {
        let sender = client(node, SENDER);
        let mail: Vec<_> = mail.iter().skip(half).step_by(2).cloned().collect();
        people.spawn(send(sender, mail, Arc::clone(&known), record.to_owned()));
    }
    while let Some(done) = within(people.join_next()).await {
        done.expect("nobody panics");
    }
    assert!(node.stop().status.success());
    std::mem::take(&mut *known.lock().unwrap_or_else(PoisonError::into_inner))
}

fn length(record: &Path) -> u64 {
    record.metadata().expect("it is there").len()
}

async fn send(client: AgencyClient, mail: Vec<SignedMessage>, known: Shared, record: PathBuf) {
    for message in mail {
        client.submit(message.clone()).await.expect("accepted");
        let at = length(&record);
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        known.receipted.insert(id_of(&message), at);
    }
}

async fn take(client: AgencyClient, known: Shared, record: PathBuf, count: usize) {
    let mut inbox = client.receive(ReceiveOptions::new(address(RECIPIENT)));
    for _ in 0..count {
        let mut hand_out = within(inbox.next()).await.expect("a hand-out");
        within(hand_out.ack()).await.expect("taken");
        let at = length(&record);
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        known.confirmed.insert(id_of(hand_out.message()), at);
    }
}

/// What is on this disk, held against what was known while the record was not longer than
/// `until`: by the node's own start, then in its journal, and now and then by taking it all.
async fn check(node: &mut Node, known: &Known, until: u64, takes: bool) -> Result<(), String> {
    node.restart();
    let by_then = |(id, at): (&String, &u64)| (*at <= until).then(|| id.clone());
    let receipted: BTreeSet<_> = known.receipted.iter().filter_map(by_then).collect();
    let confirmed: BTreeSet<_> = known.confirmed.iter().filter_map(by_then).collect();
    if takes {
        take_the_rest(node, &confirmed).await?;
    }
    node.kill();
    let (accepted, ended) = told(&entries(&node.data()))?;
    match (receipted.difference(&accepted).next(), confirmed.difference(&ended).next()) {
        (Some(lost), _) => Err(format!("{lost} had its receipt and is not there")),
        (_, Some(lost)) => Err(format!("{lost} was handed over, and the node does not know")),
        _ => Ok(()),
    }
}

/// Ids that were accepted, and that have ended; each once.
fn told(entries: &[Entry]) -> Result<(BTreeSet<String>, BTreeSet<String>), String> {
    let (mut accepted, mut ended) = (BTreeSet::new(), BTreeSet::new());
    for entry in entries {
        for item in &entry.items {
            let id = item.facts.message_id.clone();
            if matches!(entry.body, Body::Accepted(_)) && !accepted.insert(id.clone()) {
                return Err(format!("{id} was accepted twice"));
            }
            if is_final(item.event) && !ended.insert(id.clone()) {
                return Err(format!("{id} has two finals"));
            }
        }
    }
    Ok((accepted, ended))
}

/// Takes all that waits: each once, and nothing that was taken before.
async fn take_the_rest(node: &Node, confirmed: &BTreeSet<String>) -> Result<(), String> {
    let mut inbox = client(node, RECIPIENT).receive(ReceiveOptions::new(address(RECIPIENT)));
    let mut taken = confirmed.clone();
    for _ in 0..node.totals().await.outstanding {
        let mut hand_out = within(inbox.next()).await.expect("a hand-out");
        within(hand_out.ack()).await.expect("taken");
        let id = id_of(hand_out.message());
        if !taken.insert(id.clone()) {
            return Err(format!("{id} came again behind its ack"));
        }
    }
    Ok(())
}
