//! Arrows between crates point only as ARCHITECTURE.md lists them.

use super::{assert_none, root};

/// Each crate, its ownership sentence's crate name, and what it may depend on.
///
/// `proto` holds generated types and nothing else: whoever may depend on `message` may name it,
/// because the domain types of `message` are built from it and hand it out.
const ALLOWED: [(&str, &[&str]); 11] = [
    ("proto", &[]),
    ("message", &["proto"]),
    ("audit", &["proto", "message"]),
    ("agreement", &["message"]),
    ("journal", &[]),
    ("store", &["message", "audit"]),
    ("broker", &["message", "audit", "agreement", "journal", "store"]),
    ("link", &["proto", "message", "audit"]),
    ("gateway", &["message"]),
    ("node", &["proto", "message", "audit", "agreement", "journal", "store", "broker", "link"]),
    ("cli", &["link", "message", "audit", "agreement", "gateway", "node", "journal", "store"]),
];

/// Outside crates that one crate alone may name.
const RESERVED: [(&str, &str); 1] = [("sled", "store")];

/// The kinds of dependencies of a manifest.
const SECTIONS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// Names of what a crate's manifest depends on in these sections, as `(section, name)`.
fn dependencies(name: &str) -> Vec<(&'static str, String)> {
    let path = root().join("crates").join(name).join("Cargo.toml");
    let text = std::fs::read_to_string(path).expect("every crate has a manifest");
    let manifest: toml::Table = text.parse().expect("cargo has read this manifest");
    SECTIONS
        .iter()
        .filter_map(|section| Some((*section, manifest.get(*section)?.as_table()?)))
        .flat_map(|(section, table)| table.keys().map(move |key| (section, key.clone())))
        .collect()
}

/// Whether `from` may depend on `to`.
fn is_allowed(from: &str, to: &str) -> bool {
    let (_, edges) = ALLOWED.iter().find(|(name, _)| *name == from).expect("a listed crate");
    edges.contains(&to) || (to == "proto" && edges.contains(&"message"))
}

#[test]
fn every_crate_is_in_the_table() {
    let mut found: Vec<String> = std::fs::read_dir(root().join("crates"))
        .expect("crates/ exists")
        .map(|entry| entry.expect("crates/ can be listed").file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    found.sort();
    let mut listed: Vec<&str> = ALLOWED.iter().map(|(name, _)| *name).collect();
    listed.sort_unstable();
    assert_eq!(found, listed, "crates/ and the table of edges");
}

#[test]
fn crates_depend_only_as_listed() {
    let mut findings = Vec::new();
    for (from, _) in ALLOWED {
        for (section, dependency) in dependencies(from) {
            let Some(to) = dependency.strip_prefix("barid-") else {
                continue;
            };
            if !is_allowed(from, to) {
                findings.push(format!("crates/{from}: {to} in [{section}]"));
            }
        }
    }
    assert_none("edges that the table does not have", &findings);
}

#[test]
fn some_dependencies_belong_to_one_crate() {
    let mut findings = Vec::new();
    for (from, _) in ALLOWED {
        for (_, dependency) in dependencies(from) {
            for (reserved, owner) in RESERVED {
                if dependency == reserved && from != owner {
                    findings.push(format!("crates/{from} depends on {reserved}"));
                }
            }
        }
    }
    assert_none("dependencies of another crate", &findings);
}

#[test]
fn the_core_has_no_runtime_and_no_logging() {
    let mut findings = Vec::new();
    for core in ["message", "audit", "agreement"] {
        for (section, dependency) in dependencies(core) {
            let banned = ["tokio", "tonic", "tracing"].iter().any(|b| dependency.starts_with(b));
            if banned && section != "dev-dependencies" {
                findings.push(format!("crates/{core}: {dependency}"));
            }
        }
    }
    assert_none("the core must be fuzzed, simulated and reused without these", &findings);
}
