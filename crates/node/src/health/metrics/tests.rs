use std::collections::{BTreeMap, BTreeSet};

use barid_message::Reason;

use super::*;
use crate::health::facts::sample;
use crate::health::problems::problems;

const LIST: &str = include_str!("../../../../../deploy/MONITORING.md");

/// A scrape as a reader of the format takes it in.
#[derive(Debug, Default)]
struct Scraped {
    /// Name to type and help.
    families: BTreeMap<String, (String, String)>,
    /// Name, labels and value, in order.
    samples: Vec<(String, Labels, f64)>,
}

/// Names and values.
type Labels = Vec<(String, String)>;

/// Reads the text format 0.0.4, and refuses what is none.
fn scraped(text: &str) -> Scraped {
    let mut scraped = Scraped::default();
    assert!(text.ends_with('\n'));
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            let new = (String::new(), help.to_owned());
            assert_eq!(scraped.families.insert(name.to_owned(), new), None, "{name} twice");
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(["gauge", "counter", "histogram"].contains(&kind), "{kind}");
            kind.clone_into(&mut scraped.families.get_mut(name).unwrap().0);
        } else {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
            assert!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'));
            let labels = read_labels(labels.strip_suffix('}').unwrap());
            scraped.samples.push((name.to_owned(), labels, value.parse().unwrap()));
        }
    }
    scraped
}

fn read_labels(mut text: &str) -> Labels {
    let mut labels = Vec::new();
    while !text.is_empty() {
        let (name, rest) = text.split_once("=\"").unwrap();
        let (mut value, mut end) = (String::new(), 0);
        let mut chars = rest.char_indices();
        while let Some((at, c)) = chars.next() {
            end = at;
            match c {
                '"' => break,
                '\\' => value.push(match chars.next().unwrap().1 {
                    'n' => '\n',
                    escaped @ ('\\' | '"') => escaped,
                    other => panic!("\\{other}"),
                }),
                other => value.push(other),
            }
        }
        labels.push((name.trim_start_matches(',').to_owned(), value));
        text = &rest[end + 1..];
    }
    labels
}

/// Everything that can be exported: of a node with figures of each sort.
fn everything() -> Facts {
    let mut facts = sample();
    facts.measured.refused.insert(Reason::StorageFull, 3);
    facts.measured.sync_us.counts[2] = 4;
    facts.measured.sync_us.beyond = 1;
    facts.measured.sync_us.sum = 12_345_678;
    facts.inboxes[0].waiting[3].add(facts.now - std::time::Duration::from_secs(90));
    let peer = &mut facts.peers[0];
    (peer.lanes[0].0.number, peer.lanes[0].1) = (7, 4_096);
    facts
}

fn export_of(facts: Facts) -> String {
    let problems = problems(&facts);
    export(&Seen { facts, problems })
}

fn value(scraped: &Scraped, name: &str, wanted: &[&str]) -> f64 {
    let is_it = |labels: &[(String, String)]| {
        labels.iter().map(|(_, value)| &**value).eq(wanted.iter().copied())
    };
    let found = scraped.samples.iter().filter(|(of, labels, _)| of == name && is_it(labels));
    let values: Vec<f64> = found.map(|(_, _, value)| *value).collect();
    assert_eq!(values.len(), 1, "{name} {wanted:?}: {values:?}");
    values[0]
}

#[test]
fn a_scrape_is_of_the_format_and_says_what_the_facts_say() {
    let scraped = scraped(&export_of(Facts { clock_suspect: true, ..everything() }));
    let is = |name, labels: &[&str], expected: f64| {
        let found = value(&scraped, name, labels);
        assert!((found - expected).abs() < 1e-9, "{name} {labels:?}: {found}, not {expected}");
    };
    is("barid_clock_suspect", &[], 1.0);
    is("barid_problems", &["clock_suspect", "critical"], 1.0);
    is("barid_problems", &["clock_suspect", "warning"], 0.0);
    is("barid_inbox_messages", &["routine"], 1.0);
    is("barid_inbox_oldest_seconds", &["routine"], 90.0);
    is("barid_inbox_oldest_seconds", &["flash"], 0.0);
    is("barid_outcomes_total", &["handed_over"], 9.0);
    is("barid_refusals_total", &["STORAGE_FULL"], 3.0);
    is("barid_delivery_log_lag_entries", &[], 5.0);
    is("barid_link_up", &["mirjaveh"], 1.0);
    is("barid_link_lane_messages", &["mirjaveh", "flash"], 7.0);
    is("barid_link_lane_bytes", &["mirjaveh", "flash"], 4_096.0);
    is("barid_link_round_trip_seconds", &["mirjaveh"], 0.04);
    is("barid_link_clock_difference_seconds", &["mirjaveh"], -1.5);
    is("barid_link_last_receipt_age_seconds", &["mirjaveh"], 2.0);
    is("barid_ends_in_seconds", &["own_certificate", ""], 400.0 * 86_400.0);
    is("barid_journal_sync_seconds_sum", &[], 12.345678);
    is("barid_journal_sync_seconds_count", &[], 5.0);
    is("barid_journal_sync_seconds_bucket", &["0.0005"], 0.0);
    is("barid_journal_sync_seconds_bucket", &["0.001"], 4.0);
    is("barid_journal_sync_seconds_bucket", &["10"], 4.0);
    is("barid_journal_sync_seconds_bucket", &["+Inf"], 5.0);
    is("process_start_time_seconds", &[], 1_799_913_600.0);
}

#[test]
fn every_sample_belongs_to_the_family_in_front_of_it() {
    let text = export_of(everything());
    let scraped = scraped(&text);
    for (name, _, _) in &scraped.samples {
        let of = ["_bucket", "_sum", "_count"].into_iter().find_map(|end| name.strip_suffix(end));
        let family = scraped.families.get(name).or_else(|| scraped.families.get(of?));
        assert!(family.is_some_and(|(kind, _)| !kind.is_empty()), "{name}");
    }
    let lines = text.lines().filter_map(|line| line.rsplit_once(' '));
    let series: BTreeSet<_> = lines.map(|(series, _)| series).collect();
    assert_eq!(series.len(), text.lines().count(), "no series twice");
    for (name, (kind, _)) in &scraped.families {
        assert_eq!(kind == "counter", name.ends_with("_total"), "{name} is a {kind}");
    }
}

#[test]
fn a_label_cannot_break_out_of_its_quotes() {
    let mut facts = everything();
    let hostile = "a\"} 1\nbarid_up 0 \\";
    hostile.clone_into(&mut facts.peers[0].name);
    let scraped = scraped(&export_of(facts));
    assert!((value(&scraped, "barid_link_up", &[hostile]) - 1.0).abs() < f64::EPSILON);
}

#[test]
fn the_list_of_what_is_exported_is_what_is_exported() {
    let scraped = scraped(&export_of(everything()));
    let labels = |name: &str| {
        let first = scraped.samples.iter().find(|(of, _, _)| of == name);
        let names = first.into_iter().flat_map(|(_, labels, _)| labels).map(|(name, _)| &**name);
        names.collect::<Vec<_>>().join(", ")
    };
    let exported: Vec<String> = scraped
        .families
        .iter()
        .map(|(name, (kind, help))| format!("| `{name}` | {kind} | {} | {help} |", labels(name)))
        .collect();
    let is_row = |line: &&str| line.starts_with("| `barid_") || line.starts_with("| `process_");
    let mut listed: Vec<&str> = LIST.lines().filter(is_row).collect();
    listed.sort_unstable();
    assert_eq!(listed, exported, "deploy/MONITORING.md should say:\n{}", exported.join("\n"));
}

#[test]
fn every_kind_of_problem_is_in_the_list_and_counted() {
    let scraped = scraped(&export_of(everything()));
    let counted = scraped.samples.iter().filter(|(name, ..)| name == "barid_problems").count();
    let kinds = (1..).map_while(|number| ProblemKind::try_from(number).ok());
    let kinds: Vec<_> = kinds.map(|kind| bare(kind.as_str_name(), "PROBLEM_KIND_")).collect();
    assert_eq!(counted, 2 * (kinds.len() - 1), "all but that the node is not reached");
    for kind in kinds {
        assert!(LIST.contains(&format!("| `{}` |", kind.to_ascii_uppercase())), "{kind}");
    }
}
