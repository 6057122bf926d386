//! Everything that a node answers about what it has kept.

use barid_audit::entry::Body;
use barid_message::digest::Digest;
use barid_store::{EventRow, Filter, PAGE_ITEMS_MAX};
use prost::Message as _;

use crate::Broker;
use crate::projector::decode;

/// All answers, but for what a further start adds.
#[derive(Debug, PartialEq)]
pub(super) struct Answers {
    /// What is outstanding, and the sums.
    state: Vec<u8>,
    /// Every entry with its evidence; `None` at the end where one cannot be read.
    entries: Vec<Option<Digest>>,
    /// The body of every message and of every refused one that is kept.
    bodies: Vec<Option<Digest>>,
    /// The delivery log; `None` where it cannot be read.
    log: Option<Vec<EventRow>>,
}

impl Answers {
    /// Of the entries below a position.
    pub(super) async fn of(broker: &Broker, below: u64) -> Self {
        // There may be none: then that is the answer.
        drop(broker.wait_projected().await);
        let state = broker.inspect(|state| state.to_snapshot()).await.unwrap();
        let mut bodies = Vec::new();
        let mut entries = Vec::new();
        // Ends behind the first that cannot be read.
        for record in broker.shared.reader.scan(0).take(usize::try_from(below).unwrap()) {
            let record = record.ok();
            entries
                .push(record.as_ref().map(|one| Digest::of(&[&one.leaf[..], &one.side].concat())));
            let entry = record.and_then(|record| decode(record).ok());
            if let Some(Body::Accepted(facts)) = entry.map(|entry| entry.body) {
                let body = broker.message(&facts).ok();
                bodies.push(body.map(|body| Digest::of(&body.encode_to_vec())));
            }
        }
        Self { state, entries, bodies, log: log(broker, below) }
    }

    pub(super) fn bodies(&self) -> usize {
        self.bodies.len()
    }

    pub(super) fn rows(&self) -> usize {
        self.log.as_ref().map_or(0, Vec::len)
    }
}

fn log(broker: &Broker, below: u64) -> Option<Vec<EventRow>> {
    let view = broker.view().ok()?;
    let (mut rows, mut after) = (Vec::new(), None);
    loop {
        let page = view.events(&Filter::default(), after, PAGE_ITEMS_MAX).ok()?;
        rows.extend(page.items.into_iter().filter(|row| row.cursor.position < below));
        if page.is_complete {
            return Some(rows);
        }
        after = page.reached;
    }
}
