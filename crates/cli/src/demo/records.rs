//! Real records in place of the script: all agencies send and receive at top speed.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use barid_gateway::{Outcome, RoutingTable};
use barid_link::caps::HAND_OUTS_OUTSTANDING;
use barid_link::client::AgencyClient;
use barid_message::address::Address;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::book::Book;
use super::cast::{Cast, Member};
use super::ledger::{Answer, Expected, Key, country_of};
use super::stage::Site;
use super::watch;
use crate::replay::cpu;
use crate::replay::feed::{self, Step};
use crate::replay::letter::{Unsent, Writer};

/// How long nothing at all may happen before the rest is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// To whom records go, whoever sends.
const RULES: &str = include_str!("../../../../config/demo-routing.toml");
/// And where no rule matches: for each country a desk abroad.
const DESKS: [(&str, &str); 3] =
    [("pk", "af/border-police"), ("ir", "pk/border-guard"), ("af", "ir/police")];

/// Records of which no message can be made.
#[derive(Default)]
pub(super) struct Skipped {
    pub(super) count: usize,
    /// The first of them.
    pub(super) first: Vec<Unsent>,
}

impl Skipped {
    fn add(&mut self, unsent: Unsent) {
        self.count += 1;
        if self.first.len() < crate::replay::SHOWN_MAX {
            self.first.push(unsent);
        }
    }
}

/// What came of a replay, beside what stands in the books.
#[derive(Default)]
pub(super) struct Replayed {
    pub(super) skipped: Skipped,
    /// Processor time of this program and of the nodes, while it ran.
    pub(super) cpu: Option<(Duration, Duration)>,
}

/// Reads all files and deals their records out to the agencies in turn; each signs and
/// submits its share, and all read their inboxes the while.
pub(super) async fn replay(
    files: Vec<PathBuf>,
    cast: &Cast,
    sites: &[Site],
    book: &Book,
) -> anyhow::Result<Replayed> {
    let mut desks = watch::inboxes(cast, book, HAND_OUTS_OUTSTANDING);
    let before = times(sites);
    let mut takers = Vec::with_capacity(cast.members().len());
    let mut senders = JoinSet::new();
    for member in cast.members() {
        let (taker, records) = mpsc::channel(feed::AHEAD);
        takers.push(taker);
        let writer = writer(member).await?;
        senders.spawn(send(member.client.clone(), records, writer, book.clone()));
    }
    let mut reading = JoinSet::new();
    reading.spawn_blocking(move || feed::read(files, &takers));

    let mut replayed = Replayed::default();
    loop {
        tokio::select! {
            error = watch::failure(&mut desks) => return Err(error),
            sent = senders.join_next() => match sent {
                Some(Ok(skipped)) => replayed.skip(skipped?),
                Some(Err(failed)) => std::panic::resume_unwind(failed.into_panic()),
                None => break,
            },
        }
    }
    if let Some(Err(failed)) = reading.join_next().await {
        std::panic::resume_unwind(failed.into_panic());
    }
    tokio::select! {
        // What has not arrived by then shows in the books.
        _settled = book.until(PATIENCE, |ledger| ledger.is_settled()) => {}
        error = watch::failure(&mut desks) => return Err(error),
    }
    replayed.cpu = before.zip(times(sites)).map(|((own, its), (own_after, its_after))| {
        (own_after.saturating_sub(own), its_after.saturating_sub(its))
    });
    Ok(replayed)
}

impl Replayed {
    fn skip(&mut self, skipped: Skipped) {
        let Skipped { count, first } = skipped;
        let count = self.skipped.count + count;
        first.into_iter().for_each(|unsent| self.skipped.add(unsent));
        self.skipped.count = count;
    }
}

fn times(sites: &[Site]) -> Option<(Duration, Duration)> {
    let of = |site: &Site| cpu::of(site.node.running()?.pid);
    cpu::own().zip(sites.iter().map(of).sum())
}

/// The table of a sender: the rules, and its country's desk abroad.
fn table(sender: &Address) -> anyhow::Result<RoutingTable> {
    let mut desks = DESKS.into_iter();
    let (_, desk) = desks.find(|(country, _)| *country == country_of(sender)).context("no desk")?;
    let text = format!("default = [\"{desk}\"]\n{RULES}");
    toml::from_str(&text).context("the routing table that is built in is wrong")
}

async fn writer(member: &Member) -> anyhow::Result<Writer> {
    let table = Arc::new(table(&member.address)?);
    let info = member.client.node_info().await.context("cannot ask the node")?;
    let key = member.signing_key()?;
    Writer::new(member.address.clone(), key, &info.agreements, table)
}

async fn send(
    client: AgencyClient,
    records: mpsc::Receiver<Outcome>,
    writer: Writer,
    book: Book,
) -> anyhow::Result<Skipped> {
    let key = |id| Key { origin: client.address().clone(), id };
    let mut skipped = Skipped::default();
    let tell = |step| match step {
        Step::Unsent(one) => skipped.add(one),
        Step::Sent { id, recipients, .. } => {
            let country = country_of(client.address());
            let stays = recipients.iter().all(|recipient| country_of(recipient) == country);
            book.note(|ledger| {
                ledger.sending(&key(id), &recipients, Expected::HandedOver);
                if stays {
                    ledger.fault(format!("{} crosses no border", key(id)));
                }
            });
        }
        Step::Accepted { id } => {
            book.note(|ledger| ledger.answered(&key(id), Answer::Accepted));
        }
        Step::Refused { id, reason } => {
            book.note(|ledger| ledger.answered(&key(id), Answer::Refused(reason)));
        }
        Step::Unanswered { id, error } => {
            book.note(|ledger| ledger.fault(format!("{}: {error}", key(id))));
        }
    };
    feed::submit(&client, records, writer, None, tell).await?;
    Ok(skipped)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Address, DESKS, RULES, country_of};

    fn countries<'a>(agencies: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
        agencies.map(|one| country_of(&Address::parse(one).unwrap()).to_owned()).collect()
    }

    #[test]
    fn whoever_sends_somebody_abroad_gets_it() {
        let table: toml::Table = toml::from_str(RULES).unwrap();
        for rule in table["rule"].as_array().unwrap() {
            let agencies = rule["agencies"].as_array().unwrap().iter();
            let countries = countries(agencies.map(|agency| agency.as_str().unwrap()));
            assert!(countries.len() > 1, "{rule}");
        }
        for (country, desk) in DESKS {
            assert!(!countries([desk].into_iter()).contains(country));
            super::table(&Address::parse(&format!("{country}/customs")).unwrap()).unwrap();
        }
    }
}
