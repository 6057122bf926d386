//! What comes from the peer: whole slots, checked and decided in order.

use std::sync::Arc;

use barid_broker::Arrived;
use barid_broker::command::LinkEnd;
use barid_broker::state::link::index;
use barid_link::frames::{Incoming, Whole};
use barid_message::Reason;
use barid_proto::federation::v1::frame::Kind;

use super::{Desks, End, Session};

impl Session {
    /// Reads frames until the connection ends.
    pub(super) async fn read(
        &self,
        desks: &Desks,
        mut expected: [u64; 5],
        log_origin: &Arc<str>,
    ) -> End {
        let mut incoming = Incoming::default();
        loop {
            match self.hear().await {
                Ok(Kind::Data(data)) => {
                    let Ok(whole) = incoming.take(data) else {
                        return self.broke(Reason::LinkProtocol).await;
                    };
                    if let Some(whole) = whole {
                        let is_next = counts(&mut expected, &whole);
                        let Whole { lane, number, bytes } = whole;
                        let (peer, log_origin) = (Arc::clone(&self.peer), Arc::clone(log_origin));
                        let arrived = Arrived { peer, log_origin, lane, number, is_next, bytes };
                        desks.checked.put((lane, self.broker.link_check(&arrived)));
                    }
                }
                Ok(Kind::Custody(receipt)) => desks.receipts.put(receipt),
                Ok(_) => return self.broke(Reason::LinkProtocol).await,
                Err(end) => return end,
            }
        }
    }

    /// Hands checked slots to the journal, in the order in which they came.
    pub(super) async fn decide(&self, desks: &Desks, number: u64) -> End {
        let mut arrivals = self.broker.link_arrivals(number);
        loop {
            let slot = match desks.checked.next().await {
                (lane, Ok(slot)) => (lane, slot),
                (_, Err(LinkEnd::Breach(breach))) => {
                    self.broker.link_breach(Arc::clone(&self.peer), breach.clone()).await;
                    return LinkEnd::Breach(breach).into();
                }
                (_, Err(end)) => return end.into(),
            };
            match arrivals.take(slot.1).await {
                Ok(taking) => desks.taken.put((slot.0, taking)),
                Err(end) => return end.into(),
            }
        }
    }
}

/// Whether a slot is the next of its lane, which then expects the one behind it.
fn counts(expected: &mut [u64; 5], whole: &Whole) -> bool {
    let expected = index(whole.lane).and_then(|place| expected.get_mut(place));
    expected.filter(|expected| **expected == whole.number).is_some_and(|next| {
        *next += 1;
        true
    })
}
