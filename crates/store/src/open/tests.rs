use std::fs;
use std::path::Path;

use barid_audit::entry::Body;
use tempfile::TempDir;

use super::{Applied, Log, OpenError, RebuiltBecause, Store};
use crate::engine::Engine;
use crate::meta::Meta;
use crate::schema::META_KEY;
use crate::tests::history::long_history;
use crate::tests::{all, log, open};
use crate::{Cursor, Filter};

fn filled(messages: u8) -> TempDir {
    let directory = TempDir::new().unwrap();
    let (mut projector, _) = open(&directory);
    projector.project(&long_history(messages).0).unwrap();
    projector.flush().unwrap();
    directory
}

fn reopened(directory: &TempDir, log: &Log) -> (Option<Applied>, Option<RebuiltBecause>) {
    let opened = Store::open(&directory.path().join("index"), log, 1 << 20).unwrap();
    (opened.applied, opened.rebuilt_because)
}

/// Changes a closed index behind the store's back.
fn meddle(directory: &TempDir, change: impl FnOnce(&Engine)) {
    let engine = Engine::open(&directory.path().join("index"), 1 << 20).unwrap();
    change(&engine);
    engine.flush().unwrap();
}

#[test]
fn a_new_index_is_new_and_then_goes_on() {
    let directory = TempDir::new().unwrap();
    let (applied, because) = reopened(&directory, &log());
    assert!(applied.is_none() && because.is_none());
    let (applied, because) = reopened(&directory, &log());
    assert_eq!(applied, Some(Applied { next_position: 0, witnessed: 0 }));
    assert!(because.is_none());
    let (applied, because) = reopened(&filled(5), &log());
    assert_eq!(applied, Some(Applied { next_position: 10, witnessed: 10 }));
    assert!(because.is_none());
}

#[test]
fn an_index_that_is_not_of_this_log_is_set_aside_and_one_of_them_is_kept() {
    let directory = filled(2);
    for epoch in [2, 3, 4] {
        let other = Log { epoch, ..log() };
        let (applied, because) = reopened(&directory, &other);
        assert!(applied.is_none());
        assert!(matches!(because, Some(RebuiltBecause::OtherLog(_))));
        let mut names: Vec<_> =
            fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["index", "index.damaged"]);
    }
}

#[test]
fn an_index_of_another_schema_or_without_its_mark_is_set_aside() {
    let directory = filled(2);
    meddle(&directory, |engine| engine.insert(META_KEY, b"\x08\x63").unwrap());
    assert!(matches!(reopened(&directory, &log()), (None, Some(RebuiltBecause::Schema(99)))));
    meddle(&directory, |engine| engine.insert(META_KEY, b"\xff").unwrap());
    assert!(matches!(reopened(&directory, &log()), (None, Some(RebuiltBecause::Unmarked))));
    fs::remove_file(directory.path().join("index/db")).unwrap();
    assert!(matches!(reopened(&directory, &log()), (None, Some(RebuiltBecause::Unmarked))));
}

#[test]
fn an_index_that_lost_its_newest_row_is_set_aside() {
    let directory = filled(2);
    let newest = Cursor { position: 4, index: 0 };
    let meta = Meta { log: log(), next_position: 5, newest: Some(newest) };
    meddle(&directory, |engine| engine.insert(META_KEY, &meta.encode()).unwrap());
    assert!(matches!(reopened(&directory, &log()), (None, Some(RebuiltBecause::Rows))));
}

/// All that a closed index holds.
fn content(directory: &TempDir) -> Vec<(Vec<u8>, Vec<u8>)> {
    let engine = Engine::open(&directory.path().join("index"), 1 << 20).unwrap();
    let pairs = engine.pairs(&[0]..=&[u8::MAX]).unwrap();
    pairs.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
}

#[test]
fn whatever_was_lost_of_an_entry_is_missed() {
    let entries = long_history(2).0;
    let mut without = entries.clone();
    (without[1].body, without[1].items) = (Body::Stopped, Vec::new());
    let other = TempDir::new().unwrap();
    let (mut projector, view) = open(&other);
    projector.project(&without).unwrap();
    projector.flush().unwrap();
    drop((projector, view));
    let directory = filled(2);
    let (whole, without) = (content(&directory), content(&other));
    let holds = || {
        let opened = Store::open(&directory.path().join("index"), &log(), 1 << 20).unwrap();
        let (_, view) = opened.store.split();
        entries.iter().map(|entry| view.holds(entry).ok()).collect::<Vec<_>>()
    };
    assert_eq!(holds(), [Some(true); 4]);
    let lost = whole.iter().filter(|pair| pair.0 != META_KEY && !without.contains(pair));
    let mut tables = Vec::new();
    for (key, value) in lost {
        tables.push(key[0]);
        // What is left of the chunk where the entry is missing, or of another kind.
        let less = without.iter().find(|(other, _)| other == key);
        let less = less.map_or(&b"\x03"[..], |(_, value)| value);
        meddle(&directory, |engine| engine.insert(key, less).unwrap());
        assert_ne!(holds()[1], Some(true), "{key:?}");
        if !key.starts_with(&[3]) && !key.starts_with(&[6]) {
            assert_eq!(holds()[2..], [Some(true); 2], "{key:?}");
        }
        meddle(&directory, |engine| engine.insert(key, value).unwrap());
    }
    tables.dedup();
    assert_eq!(tables, [2, 3, 4, 5, 6]);
}

#[test]
fn rows_of_a_projection_cut_short_are_witnesses_that_no_reader_sees() {
    let directory = filled(3);
    let rows = long_history(2).1;
    let newest = rows.last().map(|row| row.cursor);
    let meta = Meta { log: log(), next_position: 4, newest };
    meddle(&directory, |engine| engine.insert(META_KEY, &meta.encode()).unwrap());
    let index = directory.path().join("index");
    let opened = Store::open(&index, &log(), 1 << 20).unwrap();
    assert_eq!(opened.applied, Some(Applied { next_position: 4, witnessed: 6 }));
    let (mut projector, view) = opened.store.split();
    assert_eq!(all(&view, &Filter::default(), 500), rows);
    let (entries, rows) = long_history(3);
    projector.project(&entries[4..5]).unwrap();
    projector.project(&entries[4..]).unwrap();
    assert_eq!(all(&view, &Filter::default(), 500), rows);
    projector.flush().unwrap();
    drop((projector, view));
    assert_eq!(content(&directory), content(&filled(3)), "the same keys and values again");
}

#[test]
fn an_index_in_use_is_left_alone() {
    let directory = filled(2);
    let index = directory.path().join("index");
    let held = Store::open(&index, &log(), 1 << 20).unwrap();
    assert!(matches!(Store::open(&index, &log(), 1 << 20), Err(OpenError::InUse(_))));
    drop(held);
    assert!(Store::open(&index, &log(), 1 << 20).unwrap().applied.is_some());
}

/// Numbers that are the same in every run.
struct Sequence(u64);

impl Sequence {
    fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

fn damage(index: &Path, sequence: &mut Sequence) {
    let mut files: Vec<_> = fs::read_dir(index)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.metadata().unwrap().len() > 0 && path.is_file())
        .collect();
    files.sort();
    let path = &files[sequence.below(files.len())];
    let mut bytes = fs::read(path).unwrap();
    let used = bytes.iter().rposition(|byte| *byte != 0).unwrap_or(0) + 1;
    let at = sequence.below(used);
    match sequence.below(4) {
        0 => bytes[at] ^= 1 << sequence.below(8),
        1 => bytes.truncate(at),
        2 => bytes[at..used.min(at + 512)].fill(0),
        _ => {
            for byte in &mut bytes[at..used.min(at + 64)] {
                *byte = u8::try_from(sequence.below(256)).unwrap();
            }
        }
    }
    fs::File::create(path)
        .and_then(|mut file| std::io::Write::write_all(&mut file, &bytes))
        .unwrap();
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn whatever_happens_to_its_files_it_opens_or_is_set_aside() {
    let (entries, rows) = long_history(60);
    let whole = filled(60);
    let mut sequence = Sequence(2);
    let (mut kept, mut rolled_back, mut set_aside) = (0, 0, 0);
    for _ in 0..80 {
        let directory = TempDir::new().unwrap();
        let index = directory.path().join("index");
        copy(&whole.path().join("index"), &index);
        damage(&index, &mut sequence);
        let opened = Store::open(&index, &log(), 1 << 20).unwrap();
        let next = opened.applied.map_or(0, |applied| applied.next_position);
        match (&opened.rebuilt_because, next) {
            (Some(_), _) => set_aside += 1,
            (None, 120) => kept += 1,
            (None, _) => rolled_back += 1,
        }
        let was_set_aside = opened.rebuilt_because.is_some();
        let (mut projector, view) = opened.store.split();
        let projected = projector.project(&entries[usize::try_from(next).unwrap()..]);
        if was_set_aside {
            projected.unwrap();
            assert_eq!(all(&view, &Filter::default(), 500), rows);
        } else if let Ok(page) = view.events(&Filter::default(), None, 500) {
            assert!(page.items.len() <= rows.len());
        }
    }
    assert!(kept > 0 && set_aside > 0, "{kept} kept, {rolled_back} rolled back, {set_aside} aside");
}
