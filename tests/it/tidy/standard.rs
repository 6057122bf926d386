//! `proto/STANDARD.md` says of every kind, block, code list and rule what the protos and the
//! code have.

use std::collections::{BTreeMap, BTreeSet};

use barid_message::codes::LISTS;
use barid_message::examples::REFUSED;
use barid_proto::DESCRIPTORS;
use protox::prost_reflect::{DescriptorPool, MessageDescriptor};

use super::{assert_none, root};

fn page() -> String {
    std::fs::read_to_string(root().join("proto/STANDARD.md")).expect("proto/STANDARD.md")
}

fn pool() -> DescriptorPool {
    DescriptorPool::decode(DESCRIPTORS).expect("the build has made these descriptors")
}

/// The cells of a row of a table.
fn cells(line: &str) -> Vec<String> {
    line.trim_matches('|').split(" | ").map(|cell| cell.trim().replace('`', "")).collect()
}

/// Tables of fields: by the name of their protobuf message, rows of number, name, required,
/// source and rule.
fn tables() -> BTreeMap<String, Vec<Vec<String>>> {
    let mut found = BTreeMap::new();
    let mut message = String::new();
    for line in page().lines() {
        if let Some(name) = line.strip_prefix("### Block ") {
            name.clone_into(&mut message);
        } else if let Some((_, rest)) = line.split_once(" Body `") {
            rest.split('`').next().unwrap_or_default().clone_into(&mut message);
        } else if line.starts_with("## ") {
            message.clear();
        } else if line.starts_with("| ") && !line.starts_with("| no.") && !message.is_empty() {
            found.entry(message.clone()).or_insert_with(Vec::new).push(cells(line));
        }
    }
    found
}

/// Every message that a body is made of, by its own fields and those of its parts.
fn bodies(pool: &DescriptorPool) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut next: Vec<MessageDescriptor> = (1..=14)
        .filter_map(|kind| {
            let kind = barid_message::Kind::try_from(kind).ok()?;
            pool.get_message_by_name(barid_message::body::schema_id(kind)?)
        })
        .collect();
    assert_eq!(next.len(), 14, "every kind has a body");
    while let Some(message) = next.pop() {
        if !message.full_name().starts_with("barid.") || !found.insert(message.name().to_owned()) {
            continue;
        }
        next.extend(message.fields().filter_map(|field| field.kind().as_message().cloned()));
    }
    found
}

#[test]
fn the_standard_lists_every_field_of_every_body_and_block() {
    let (pool, tables) = (pool(), tables());
    let wanted = bodies(&pool);
    let listed: BTreeSet<String> = tables.keys().cloned().collect();
    assert_eq!(listed, wanted, "tables in proto/STANDARD.md, and messages that bodies are made of");
    let mut findings = Vec::new();
    for (name, rows) in &tables {
        let full = format!("barid.message.v1.{name}");
        let message = pool.get_message_by_name(&full).expect("a message of a body");
        let mut fields: Vec<_> = message
            .fields()
            .map(|field| (field.number().to_string(), field.name().to_owned()))
            .collect();
        fields.sort_by_key(|(number, _)| number.parse::<u32>().unwrap_or_default());
        let rows_of: Vec<_> = rows.iter().map(|row| (row[0].clone(), row[1].clone())).collect();
        if rows_of != fields {
            findings.push(format!("{name}: {rows_of:?} instead of {fields:?}"));
        }
        for row in
            rows.iter().filter(|row| row.len() != 5 || row[3].is_empty() || row[4].is_empty())
        {
            findings.push(format!("{name}: no source or rule in {row:?}"));
        }
    }
    assert_none("fields in proto/STANDARD.md", &findings);
}

#[test]
fn code_lists_name_fields_that_are_there_and_the_standard_names_the_lists() {
    let (pool, tables, page) = (pool(), tables(), page());
    let mut findings = Vec::new();
    for list in LISTS {
        let row = format!(
            "| `{}` | {} | {} | {} |",
            list.name(),
            list.codes().count(),
            list.version(),
            list.source()
        );
        if !page.contains(&row) {
            findings.push(format!("no row {row}"));
        }
        for field in list.fields().split(' ').filter(|field| !field.contains(['(', ')'])) {
            let Some((message, name)) = field.split_once('.') else { continue };
            let full = format!("barid.message.v1.{message}");
            let known = pool.get_message_by_name(&full);
            if known.is_none_or(|known| known.get_field_by_name(name).is_none()) {
                findings.push(format!("{}: no field {field}", list.name()));
            }
            let told = tables.get(message).is_none_or(|rows| {
                rows.iter().any(|row| row[1] == name && row[4].contains(list.name()))
            });
            if !told {
                findings.push(format!("{field}: its rule does not name {}", list.name()));
            }
        }
    }
    assert_none("code lists", &findings);
}

#[test]
fn the_standard_has_every_rule_once_and_each_that_is_tried_by_its_reason() {
    let rows: Vec<Vec<String>> =
        page().lines().filter(|line| line.starts_with("| V")).map(cells).collect();
    let names: Vec<String> = rows.iter().map(|row| row[0].clone()).collect();
    let wanted: Vec<String> = (1..=20).map(|number| format!("V{number}")).collect();
    assert_eq!(names, wanted, "the table of rules");
    let mut findings = Vec::new();
    for tried in REFUSED {
        let reason = barid_message::reason::name(tried.reason);
        let row = rows.iter().find(|row| row[0] == tried.rule);
        if row.is_some_and(|row| !row[2].split(", ").any(|one| one == reason)) {
            let tried = format!("{} {reason} ({})", tried.rule, tried.field);
            findings.push(tried);
        }
    }
    assert_none("reasons that the table of rules does not name", &findings);
}
