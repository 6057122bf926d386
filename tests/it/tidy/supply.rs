//! What is built comes from where, and in how many versions: deny.toml, without cargo-deny.

use std::collections::BTreeSet;
use std::process::Command;

use super::{assert_none, root};

/// The packages that only test.
const TESTS: [&str; 3] = ["e2e", "history", "sim"];

/// A TOML file of the top folder.
fn top_level(name: &str) -> toml::Table {
    let text = std::fs::read_to_string(root().join(name)).expect("a file of the top folder");
    text.parse().expect("a TOML file")
}

/// The table of an array's element.
fn tables<'a>(parent: &'a toml::Value, key: &str) -> impl Iterator<Item = &'a toml::Table> {
    let list = parent.get(key).and_then(toml::Value::as_array).expect("a list in deny.toml");
    list.iter().map(|entry| entry.as_table().expect("deny.toml writes entries as tables"))
}

/// A string of a table.
fn text<'a>(table: &'a toml::Table, key: &str) -> &'a str {
    table.get(key).and_then(toml::Value::as_str).unwrap_or_default()
}

/// Packages of Cargo.lock.
fn locked() -> Vec<toml::Table> {
    let lock = top_level("Cargo.lock");
    let packages = lock["package"].as_array().expect("Cargo.lock lists packages");
    packages.iter().map(|package| package.as_table().expect("a package").clone()).collect()
}

/// Names of all packages that are really built here, tests included. Cargo.lock alone also names
/// what only an unused feature would bring.
fn built() -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--workspace", "--locked", "--edges", "all", "--prefix", "none"])
        .args(["--format", "{p}"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn nothing_banned_is_built() {
    let deny = top_level("deny.toml");
    let built = built();
    assert!(built.contains("aws-lc-rs"), "the tree lists what is built");
    let findings: Vec<String> = tables(&deny["bans"], "deny")
        .filter(|ban| !ban.contains_key("deny-multiple-versions"))
        .filter(|ban| built.contains(text(ban, "crate")))
        .map(|ban| format!("{}: {}", text(ban, "crate"), text(ban, "reason")))
        .collect();
    assert_none("banned by deny.toml", &findings);
}

#[test]
fn some_crates_come_in_one_version() {
    let deny = top_level("deny.toml");
    let locked = locked();
    let findings: Vec<String> = tables(&deny["bans"], "deny")
        .filter(|ban| ban.contains_key("deny-multiple-versions"))
        .map(|ban| text(ban, "crate"))
        .filter(|name| locked.iter().filter(|package| text(package, "name") == *name).count() != 1)
        .map(str::to_owned)
        .collect();
    assert_none("exactly one version of these", &findings);
}

#[test]
fn everything_comes_from_the_registry() {
    let deny = top_level("deny.toml");
    let registries = deny["sources"]["allow-registry"].as_array().expect("a list of registries");
    let allowed: Vec<String> = registries
        .iter()
        .map(|registry| format!("registry+{}", registry.as_str().expect("a registry's address")))
        .collect();
    let findings: Vec<String> = locked()
        .iter()
        .filter(|package| {
            let name = text(package, "name");
            let ours = name.starts_with("barid-") || TESTS.contains(&name);
            !ours && !allowed.iter().any(|registry| registry == text(package, "source"))
        })
        .map(|package| format!("{} from {}", text(package, "name"), text(package, "source")))
        .collect();
    assert_none("sources that deny.toml does not allow", &findings);
}

#[test]
fn every_exception_has_its_reason_and_date() {
    let deny = top_level("deny.toml");
    let findings: Vec<String> = tables(&deny["advisories"], "ignore")
        .filter(|entry| !text(entry, "reason").contains("Review by 20"))
        .map(|entry| text(entry, "id").to_owned())
        .chain(
            tables(&deny["bans"], "deny")
                .filter(|entry| text(entry, "reason").is_empty())
                .map(|entry| text(entry, "crate").to_owned()),
        )
        .collect();
    assert_none("say why, and until when", &findings);
}
