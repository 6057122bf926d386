//! Histories drawn at random: entries, and the rows that they must give.

use barid_audit::entry::{Body, Entry, Item};
use barid_message::Reason;
use barid_message::address::Address;
use barid_message::id::MessageId;
use barid_message::time::Millis;
use barid_proto::audit::v1::Event;
use barid_proto::journal::v1 as pb;
use barid_proto::message::v1::{Kind, Precedence, Status};
use bytes::Bytes;
use proptest::collection;
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};

use crate::{Cursor, EventRow};

pub(crate) const AGENCIES: [&str; 5] =
    ["pk/customs", "pk/police", "ir/police", "ir/police/mirjaveh", "af/border"];
pub(crate) const KINDS: [Kind; 3] = [Kind::Alert, Kind::Incident, Kind::Note];
const OUTCOMES: [Event; 8] = [
    Event::HandedOver,
    Event::Returned,
    Event::DeadLettered,
    Event::Refused,
    Event::Expired,
    Event::NonDelivered,
    Event::Overdue,
    Event::Retried,
];
/// Of the first entry, milliseconds since 1970.
pub(crate) const BEGINNING: u64 = 1_700_000_000_000;

/// One entry to come, small enough to be drawn at random.
#[derive(Clone, Debug)]
pub(crate) enum Draw {
    Nothing,
    Accepted { id: u8, origin: usize, recipients: Vec<usize>, kind: usize },
    Outcome { id: u8, origin: usize, recipient: usize, kind: usize, outcome: usize, proof: bool },
    Refused { id: Option<u8>, origin: usize, proof: bool },
}

pub(crate) fn draw() -> impl Strategy<Value = (Draw, u64)> {
    let agency = || 0..AGENCIES.len();
    let recipients = collection::vec(agency(), 1..4);
    let draw = prop_oneof![
        Just(Draw::Nothing),
        (0..6_u8, agency(), recipients, 0..3_usize).prop_map(|(id, origin, recipients, kind)| {
            Draw::Accepted { id, origin, recipients, kind }
        }),
        (0..6_u8, agency(), agency(), 0..3_usize, 0..8_usize, any::<bool>()).prop_map(
            |(id, origin, recipient, kind, outcome, proof)| {
                Draw::Outcome { id, origin, recipient, kind, outcome, proof }
            }
        ),
        (option::of(0..6_u8), agency(), any::<bool>())
            .prop_map(|(id, origin, proof)| Draw::Refused { id, origin, proof }),
    ];
    (draw, 0..3_u64)
}

pub(crate) fn id(number: u8) -> MessageId {
    MessageId::new(Millis(BEGINNING + u64::from(number)), [number; 10])
}

fn evidence(there: bool) -> Bytes {
    if there { Bytes::from_static(b"evidence") } else { Bytes::new() }
}

/// The entries of a history, and the rows that they must give.
pub(crate) fn history(draws: &[(Draw, u64)]) -> (Vec<Entry>, Vec<EventRow>) {
    let (mut entries, mut rows) = (Vec::new(), Vec::new());
    let mut time = Millis(BEGINNING);
    for (position, (draw, step)) in (0..).zip(draws) {
        time = Millis(time.0 + step);
        let mut entry = Entry {
            position,
            time,
            body: Body::Stopped,
            evidence: Bytes::new(),
            items: Vec::new(),
        };
        add(&mut entry, &mut rows, draw);
        entries.push(entry);
    }
    (entries, rows)
}

fn add(entry: &mut Entry, rows: &mut Vec<EventRow>, draw: &Draw) {
    let blank = blank(entry);
    match draw {
        Draw::Nothing => {}
        Draw::Accepted { id, origin, recipients, kind } => {
            let row = about(blank, *id, *origin, *kind, entry.position);
            rows.push(accept(entry, &row));
            for recipient in recipients {
                let recipient = Some(address(*recipient));
                add_item(
                    entry,
                    rows,
                    &EventRow { event: Event::Delivered, recipient, ..row.clone() },
                );
            }
        }
        Draw::Outcome { id, origin, recipient, kind, outcome, proof } => {
            entry.body = Body::HandedOver;
            let row = EventRow {
                event: OUTCOMES[*outcome],
                reason: Reason::Malformed,
                actor: "spiffe://x/operator/a".into(),
                has_evidence: *proof,
                tries: 3,
                recipient: Some(address(*recipient)),
                ..about(blank, *id, *origin, *kind, entry.position / 2)
            };
            add_item(entry, rows, &row);
        }
        Draw::Refused { id: number, origin, proof } => {
            let row = EventRow {
                event: Event::SubmissionRejected,
                reason: Reason::SignatureInvalid,
                actor: "spiffe://x/agency/af/border/main".into(),
                has_evidence: *proof,
                message_id: number.map(id),
                origin_agency: number.map(|_| address(*origin)),
                ..blank
            };
            refuse(entry, &row);
            rows.push(row);
        }
    }
}

fn blank(entry: &Entry) -> EventRow {
    EventRow {
        cursor: Cursor::entry(entry.position),
        time: entry.time,
        event: Event::Unspecified,
        reason: Reason::Unspecified,
        origin_agency: None,
        message_id: None,
        recipient: None,
        kind: Kind::Unspecified,
        precedence: Precedence::Unspecified,
        status: Status::Unspecified,
        actor: String::new(),
        tries: 0,
        accepted_position: None,
        has_evidence: false,
    }
}

/// Makes it the entry of an acceptance, and gives the row of that.
fn accept(entry: &mut Entry, row: &EventRow) -> EventRow {
    let actor = "spiffe://x/agency/pk/customs/main";
    entry.evidence = evidence(true);
    entry.body = Body::Accepted(Box::new(pb::AcceptedFacts {
        origin_agency: text(row.origin_agency.as_ref()),
        message_id: text(row.message_id.as_ref()),
        submitted_by: actor.into(),
        kind: row.kind.into(),
        precedence: row.precedence.into(),
        status: row.status.into(),
        ..Default::default()
    }));
    let event = Event::SubmissionAccepted;
    EventRow { event, actor: actor.into(), has_evidence: true, ..row.clone() }
}

fn refuse(entry: &mut Entry, row: &EventRow) {
    entry.evidence = evidence(row.has_evidence);
    entry.body = Body::SubmissionRefused(pb::RefusedFacts {
        identity: row.actor.clone(),
        reason: row.reason.into(),
        origin_agency: text(row.origin_agency.as_ref()),
        message_id: text(row.message_id.as_ref()),
        ..Default::default()
    });
}

fn text(value: Option<&impl ToString>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}

fn address(agency: usize) -> Address {
    Address::parse(AGENCIES[agency]).unwrap()
}

fn about(row: EventRow, number: u8, origin: usize, kind: usize, accepted: u64) -> EventRow {
    EventRow {
        origin_agency: Some(address(origin)),
        message_id: Some(id(number)),
        kind: KINDS[kind],
        precedence: Precedence::Priority,
        status: Status::Actual,
        accepted_position: Some(accepted),
        ..row
    }
}

fn add_item(entry: &mut Entry, rows: &mut Vec<EventRow>, row: &EventRow) {
    entry.items.push(Item {
        event: row.event,
        reason: row.reason,
        facts: pb::DeliveryFacts {
            origin_agency: text(row.origin_agency.as_ref()),
            message_id: text(row.message_id.as_ref()),
            recipient: text(row.recipient.as_ref()),
            accepted_position: row.accepted_position.unwrap(),
            tries: row.tries,
            actor: row.actor.clone(),
            kind: row.kind.into(),
            precedence: row.precedence.into(),
            status: row.status.into(),
            ..Default::default()
        },
        evidence: evidence(row.has_evidence),
    });
    let index = u16::try_from(entry.items.len()).unwrap();
    rows.push(EventRow { cursor: Cursor { index, ..row.cursor }, ..row.clone() });
}

/// A history of some length: acceptances, and an outcome for each.
pub(crate) fn long_history(messages: u8) -> (Vec<Entry>, Vec<EventRow>) {
    let draws: Vec<(Draw, u64)> = (0..messages)
        .flat_map(|id| {
            let (origin, recipient, kind) = (usize::from(id % 2), 2, usize::from(id % 3));
            let outcome = usize::from(id % 8);
            [
                (Draw::Accepted { id, origin, recipients: vec![recipient], kind }, 1),
                (Draw::Outcome { id, origin, recipient, kind, outcome, proof: true }, 0),
            ]
        })
        .collect();
    history(&draws)
}
