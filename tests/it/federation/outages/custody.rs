//! What the books of both nodes must say together, whatever happened.

use std::collections::BTreeMap;

use barid_audit::entry::is_final;
use barid_proto::audit::v1::Event;
use barid_proto::operations::v1 as ops;

use super::super::border::Border;
use crate::harness::{Node, within};

/// A delivery, by message id and recipient.
type Delivery = (String, String);

/// Every delivery had a holder at every moment and has one final: its origin let go of it
/// only after the other node had it, that node took it once, and both tell the same end.
pub(super) async fn check(border: &Border) {
    let (pk, ir) = (deliveries(&border.pk).await, deliveries(&border.ir).await);
    let mut checked = 0;
    for (origin, other) in [(&pk, &ir), (&ir, &pk)] {
        let sent = origin.iter().filter(|(_, events)| of(events, Event::Queued).count() == 1);
        for (delivery, events) in sent {
            let far = other.get(delivery).unwrap_or_else(|| panic!("{delivery:?} never arrived"));
            let taken: Vec<_> = of(far, Event::Delivered).collect();
            assert_eq!(taken.len(), 1, "{delivery:?} was taken over once");
            for passed in of(events, Event::RelayAccepted) {
                assert!(time(passed) >= time(taken[0]), "{delivery:?} had no holder");
            }
            let finals = |events: &[ops::EventRecord]| -> Vec<Event> {
                events
                    .iter()
                    .map(ops::EventRecord::event)
                    .filter(|event| is_final(*event))
                    .collect()
            };
            assert_eq!(finals(events).len(), 1, "{delivery:?} has one final");
            assert_eq!(finals(events), finals(far), "{delivery:?} ended alike");
            checked += 1;
        }
    }
    assert!(checked > 0);
}

fn of(events: &[ops::EventRecord], event: Event) -> impl Iterator<Item = &ops::EventRecord> {
    events.iter().filter(move |record| record.event() == event)
}

fn time(record: &ops::EventRecord) -> (i64, i32) {
    let time = record.time.expect("every event has its time");
    (time.seconds, time.nanos)
}

/// All events of all deliveries in a node's delivery log.
async fn deliveries(node: &Node) -> BTreeMap<Delivery, Vec<ops::EventRecord>> {
    let operator = node.operator();
    let mut deliveries: BTreeMap<Delivery, Vec<ops::EventRecord>> = BTreeMap::new();
    let mut page_token = String::new();
    loop {
        let request = ops::ListEventsRequest { page_size: 500, page_token, ..Default::default() };
        let page = within(operator.list_events(request)).await.expect("the delivery log");
        for event in page.events.into_iter().filter(|event| !event.recipient.is_empty()) {
            let delivery = (event.message_id.clone(), event.recipient.clone());
            deliveries.entry(delivery).or_default().push(event);
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return deliveries;
        }
    }
}
