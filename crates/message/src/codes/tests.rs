use std::collections::BTreeSet;

use super::{CodeList, LISTS};
use crate::country::Country;
use crate::text::{self, Layout};

/// Names of the files beside this one.
fn files() -> BTreeSet<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/codes");
    let entries = std::fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter_map(|name| name.strip_suffix(".tsv").map(str::to_owned)).collect()
}

fn codes(name: &str) -> Vec<&'static str> {
    CodeList::find(name).unwrap().codes().map(|one| one.code).collect()
}

#[test]
fn every_file_is_a_list_and_every_list_a_file() {
    let names: Vec<_> = LISTS.iter().map(|list| list.name().to_owned()).collect();
    assert!(names.is_sorted(), "{names:?}");
    assert_eq!(names.into_iter().collect::<BTreeSet<_>>(), files());
}

#[test]
fn every_list_says_what_it_is_and_has_each_code_once_with_a_label() {
    for list in LISTS {
        let name = list.name();
        for note in [list.title(), list.source(), list.version(), list.fields()] {
            assert!(!note.is_empty(), "{name}");
        }
        let lines = list.text.lines().filter(|line| !line.starts_with("# ")).count();
        let codes: Vec<_> = list.codes().collect();
        assert_eq!(codes.len(), lines, "{name}: a line without a tab");
        assert!(codes.len() > 1, "{name}");
        let distinct: BTreeSet<_> = codes.iter().map(|one| one.code).collect();
        assert_eq!(distinct.len(), codes.len(), "{name}: a code twice");
        for one in codes {
            assert!(one.code.bytes().all(|byte| byte.is_ascii_graphic()), "{name}: {}", one.code);
            assert!(!one.label.trim().is_empty(), "{name}: {}", one.code);
            assert_eq!(text::check(one.label, Layout::Line), Ok(()), "{name}: {}", one.code);
        }
    }
}

#[test]
fn a_code_is_looked_up_and_an_unknown_one_is_no_error() {
    let list = CodeList::find("refusal-reason").unwrap();
    assert_eq!(list.label("WRONG_ADDRESSEE"), Some("Not for this addressee"));
    assert_eq!(list.label("wrong_addressee"), None);
    assert_eq!(CodeList::find("no-such-list"), None);
}

#[test]
fn iso_lists_agree_with_each_other_and_with_the_rules() {
    let two = codes("iso-3166-1");
    assert_eq!(two.len(), 249);
    for code in two {
        assert!(Country::parse(code).is_ok(), "{code}");
    }
    let three = codes("iso-3166-1-alpha-3");
    assert_eq!(three.len(), 249);
    for code in codes("icao-special-state") {
        assert!(!three.contains(&code), "{code} is assigned by ISO");
    }
}
