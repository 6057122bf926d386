//! The code lists and check digits against what others publish.
//!
//! The data is found by `BARID_DATA`, else beside the project; without it the tests
//! say that they were skipped.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use barid_message::codes::CodeList;
use barid_message::identifier::{CheckDigit, HsCode, Mrz, Unlocode};
use barid_message::tables::Tables;

/// A file of the data; None, said loudly, where there is none.
#[expect(clippy::disallowed_methods, reason = "where the data lies is the runner's business")]
fn file(test: &str, name: &str) -> Option<String> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = std::env::var("BARID_DATA").map_or_else(|_unset| beside(), PathBuf::from);
    if let Ok(bytes) = std::fs::read(folder.join(name)) {
        // UN/LOCODE is published in Latin-1; its codes are ASCII.
        return Some(String::from_utf8_lossy(&bytes).into_owned());
    }
    let line = format!("SKIPPED {test}: no {name} at {}\n", folder.display());
    std::io::stderr().write_all(line.as_bytes()).expect("stderr can be written");
    if let Ok(skipped) = std::env::var("BARID_SKIPPED") {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(skipped);
        file.and_then(|mut file| file.write_all(line.as_bytes())).expect("the list of skipped");
    }
    None
}

/// One field of a line with commas, quotes read.
fn field(line: &str, wanted: usize) -> Option<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    for letter in line.chars() {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            other => fields.last_mut()?.push(other),
        }
    }
    fields.get(wanted).filter(|field| !field.is_empty()).cloned()
}

/// The values of a column, by its title.
fn column(text: &str, title: &str) -> BTreeSet<String> {
    let mut lines = text.lines();
    let head = lines.next().expect("a head");
    let wanted = head.split(',').position(|one| one == title).expect("the column");
    lines.filter_map(|line| field(line, wanted)).collect()
}

fn ours(list: &str) -> BTreeSet<String> {
    let list = CodeList::find(list).expect("a list of the standard");
    list.codes().map(|one| one.code.to_owned()).collect()
}

#[test]
fn iso_lists_are_those_that_others_publish() {
    let Some(countries) = file("iso", "reference/iso/country-codes.csv") else { return };
    let Some(currencies) = file("iso", "reference/iso/currency-codes-all.csv") else { return };
    let none = Vec::<&String>::new();
    for (list, title) in
        [("iso-3166-1", "ISO3166-1-Alpha-2"), ("iso-3166-1-alpha-3", "ISO3166-1-Alpha-3")]
    {
        let published = column(&countries, title);
        assert_eq!(ours(list).difference(&published).collect::<Vec<_>>(), none, "{list}");
    }
    let published = column(&currencies, "AlphabeticCode");
    assert_eq!(ours("iso-4217").difference(&published).collect::<Vec<_>>(), none);
}

#[test]
fn specimens_of_documents_have_the_digits_that_others_found_wrong() {
    let Some(specimens) = file("mrz", "reference/icao9303-mrz/mrz-specimens.tsv") else { return };
    let mut checked = 0;
    for line in specimens.lines().skip(1) {
        let mut fields = line.split('\t').skip(1);
        let (Some(name), Some(lines), Some(found)) = (fields.next(), fields.next(), fields.next())
        else {
            panic!("a specimen has four fields")
        };
        let mrz = Mrz::parse(&lines.split('|').collect::<Vec<_>>()).expect("a specimen is a zone");
        for (digit, other) in [
            (CheckDigit::Number, "doc"),
            (CheckDigit::Birth, "birth"),
            (CheckDigit::Expiry, "expiry"),
            (CheckDigit::Personal, "personal"),
            (CheckDigit::Composite, "composite"),
        ] {
            let theirs =
                found.split(' ').find_map(|one| one.strip_prefix(other)?.strip_prefix(':'));
            match theirs {
                Some("ok") => assert!(!mrz.wrong_digits().contains(&digit), "{name}: {digit}"),
                Some("BAD") => assert!(mrz.wrong_digits().contains(&digit), "{name}: {digit}"),
                // The collector did not follow a number into the optional data.
                _ => {}
            }
        }
        checked += 1;
    }
    assert!(checked > 15, "{checked}");
}

#[test]
fn every_published_place_and_subheading_has_the_form() {
    let Some(places) = file("unlocode", "reference/unlocode/unlocode-2024-2.cut.csv") else {
        return;
    };
    let Some(goods) = file("hs", "reference/hs/harmonized-system.csv") else { return };
    let mut count = 0;
    for line in places.lines() {
        let (Some(country), Some(place)) = (field(line, 1), field(line, 2)) else { continue };
        assert!(Unlocode::parse(&format!("{country}{place}")).is_ok(), "{country} {place}");
        count += 1;
    }
    for code in column(&goods, "hscode").iter().filter(|code| code.len() == 6) {
        assert!(HsCode::parse(code).is_ok() || code.as_str() == "999999", "{code}");
        count += 1;
    }
    assert!(count > 5_000, "{count}");
    let mut tables = Tables::default();
    tables.unlocode(places.as_bytes()).expect("the places are a table");
    tables.hs(goods.as_bytes()).expect("the goods are a table");
}
