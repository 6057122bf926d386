//! The whole store against a naive model: the rows in a list, filtered by hand.

use std::sync::atomic::{AtomicBool, Ordering};

use barid_message::address::Address;
use barid_message::time::Millis;
use barid_proto::audit::v1::Event;
use proptest::prelude::{ProptestConfig, Strategy, prop_assert_eq, proptest};
use proptest::test_runner::TestCaseError;
use proptest::{collection, option};
use tempfile::TempDir;

use crate::{Cursor, EventRow, Filter, Log, ProjectError, Projector, ReadView, Store};
use history::{AGENCIES, BEGINNING, KINDS, draw, history, id, long_history};

pub(crate) mod history;

fn filter() -> impl Strategy<Value = Filter> {
    let events = (1..=16_i32).prop_map(|event| Event::try_from(event).unwrap());
    let times = || option::of((BEGINNING - 1..BEGINNING + 80).prop_map(Millis));
    (
        option::of((0..7_u8).prop_map(id)),
        option::of(
            (0..AGENCIES.len()).prop_map(|agency| Address::parse(AGENCIES[agency]).unwrap()),
        ),
        option::of((0..3_usize).prop_map(|kind| KINDS[kind])),
        option::of(events),
        times(),
        times(),
    )
        .prop_map(|(message_id, agency, kind, event, from, to)| Filter {
            message_id,
            agency,
            kind,
            event,
            from,
            to,
        })
}

fn naive(rows: &[EventRow], filter: &Filter) -> Vec<EventRow> {
    let is_of = |agency: &Address, address: &Option<Address>| {
        address.as_ref().is_some_and(|address| {
            address == agency || address.as_str().starts_with(&format!("{agency}/"))
        })
    };
    let mut rows = rows.to_vec();
    rows.retain(|row| {
        let Filter { message_id, agency, kind, event, from, to } = filter;
        (message_id.is_none() || row.message_id == *message_id)
            && agency.as_ref().is_none_or(|agency| {
                is_of(agency, &row.origin_agency) || is_of(agency, &row.recipient)
            })
            && kind.is_none_or(|kind| kind == row.kind)
            && event.is_none_or(|event| event == row.event)
            && from.is_none_or(|from| from <= row.time)
            && to.is_none_or(|to| row.time < to)
    });
    rows
}

pub(crate) fn log() -> Log {
    Log { origin: "border.example/log/1".into(), epoch: 1 }
}

pub(crate) fn open(directory: &TempDir) -> (Projector, ReadView) {
    Store::open(&directory.path().join("index"), &log(), 1 << 20).unwrap().store.split()
}

/// Everything that a filter lets through, page by page.
pub(crate) fn all(view: &ReadView, filter: &Filter, limit: usize) -> Vec<EventRow> {
    let (mut rows, mut after) = (Vec::new(), None);
    loop {
        let page = view.events(filter, after, limit).unwrap();
        assert!(page.items.len() <= limit);
        assert!(page.is_complete || page.reached > after, "a page must come further");
        rows.extend(page.items);
        after = page.reached;
        if page.is_complete {
            return rows;
        }
    }
}

fn owed(view: &ReadView, originator: &Address, limit: usize) -> Vec<Cursor> {
    let (mut places, mut after) = (Vec::new(), None);
    loop {
        let page = view.evidence_after(originator, after, limit).unwrap();
        assert!(page.items.len() <= limit);
        assert!(page.is_complete || page.reached > after, "a page must come further");
        places.extend(page.items);
        after = page.reached;
        if page.is_complete {
            return places;
        }
    }
}

fn agrees(
    view: &ReadView,
    rows: &[EventRow],
    questions: &[(Filter, usize)],
) -> Result<(), TestCaseError> {
    for (filter, limit) in questions {
        let expected = naive(rows, filter);
        prop_assert_eq!(&all(view, filter, *limit), &expected);
        let newest = view.newest(filter, *limit).unwrap();
        prop_assert_eq!(&newest.items, &expected[expected.len() - newest.items.len()..]);
        prop_assert_eq!(newest.items.len().min(*limit), newest.items.len());
        if newest.is_complete {
            prop_assert_eq!(newest.items.len(), expected.len());
        }
        prop_assert_eq!(newest.reached, Cursor::before_entry(view.applied()));
    }
    for number in 0..7 {
        let filter = Filter { message_id: Some(id(number)), ..Filter::default() };
        prop_assert_eq!(view.message(&id(number)).unwrap(), naive(rows, &filter));
    }
    for agency in AGENCIES.map(|agency| Address::parse(agency).unwrap()) {
        let expected: Vec<Cursor> = rows
            .iter()
            .filter(|row| row.has_evidence && row.origin_agency.as_ref() == Some(&agency))
            .map(|row| row.cursor)
            .collect();
        prop_assert_eq!(owed(view, &agency, 2), expected);
    }
    prop_assert_eq!(view.is_empty().unwrap(), rows.is_empty());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_index_answers_like_a_list_also_when_reopened_or_made_anew(
        draws in collection::vec(draw(), 0..60),
        questions in collection::vec((filter(), 1..9_usize), 8),
        group in 1..20_usize,
    ) {
        let (entries, rows) = history(&draws);
        let end = u64::try_from(entries.len()).unwrap();
        let directory = TempDir::new().unwrap();
        let (mut projector, view) = open(&directory);
        for group in entries.chunks(group) {
            projector.project(group).unwrap();
            projector.project(group).unwrap();
        }
        prop_assert_eq!((projector.next_position(), view.applied()), (end, end));
        agrees(&view, &rows, &questions)?;
        projector.flush().unwrap();
        drop((projector, view));

        let (mut projector, view) = open(&directory);
        prop_assert_eq!(projector.next_position(), end);
        projector.project(&entries).unwrap();
        agrees(&view, &rows, &questions)?;
        drop((projector, view));

        std::fs::remove_dir_all(directory.path().join("index")).unwrap();
        let (mut projector, view) = open(&directory);
        prop_assert_eq!(projector.next_position(), 0);
        projector.project(&entries).unwrap();
        agrees(&view, &rows, &questions)?;
    }
}

#[test]
fn entries_must_follow_without_a_gap() {
    let (entries, _) = long_history(3);
    let directory = TempDir::new().unwrap();
    let (mut projector, view) = open(&directory);
    let gap = projector.project(&entries[1..]);
    assert!(matches!(gap, Err(ProjectError::Gap { expected: 0, found: 1 })));
    let gap = projector.project(&[entries[0].clone(), entries[2].clone()]);
    assert!(matches!(gap, Err(ProjectError::Gap { expected: 1, found: 2 })));
    assert_eq!((view.applied(), view.is_empty().unwrap()), (0, true));
    projector.project(&entries).unwrap();
    assert_eq!(view.applied(), 6);
}

#[test]
fn a_reader_that_follows_the_writer_sees_every_event_once_and_in_order() {
    let (entries, rows) = long_history(100);
    let directory = TempDir::new().unwrap();
    let (mut projector, view) = open(&directory);
    let is_done = AtomicBool::new(false);
    let filter = Filter { agency: Some(Address::parse("ir/police").unwrap()), ..Filter::default() };
    let expected = naive(&rows, &filter);
    assert!(!expected.is_empty());
    std::thread::scope(|scope| {
        let readers = [1, 7, 500].map(|limit| {
            let (view, filter, is_done) = (view.clone(), &filter, &is_done);
            scope.spawn(move || {
                let (mut seen, mut after) = (Vec::new(), None);
                loop {
                    let was_done = is_done.load(Ordering::Acquire);
                    let page = view.events(filter, after, limit).unwrap();
                    seen.extend(page.items);
                    after = page.reached;
                    if was_done && page.is_complete {
                        return seen;
                    }
                }
            })
        });
        let written = entries.chunks(7).try_for_each(|group| {
            projector.project(group)?;
            projector.flush().map_err(ProjectError::from)
        });
        is_done.store(true, Ordering::Release);
        written.unwrap();
        for reader in readers {
            assert_eq!(reader.join().unwrap(), expected);
        }
    });
}
