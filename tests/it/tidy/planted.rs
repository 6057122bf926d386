//! Faults on purpose: nowhere but where the script that proves the tests switches them on.

use std::collections::BTreeSet;

use super::{assert_none, project_files, root};

/// Manifests that name the feature: the one that has it, and the one that can switch it on.
const MANIFESTS: [&str; 2] = ["crates/journal/Cargo.toml", "tests/Cargo.toml"];

#[test]
fn nothing_but_the_tests_can_switch_faults_on() {
    let manifests = project_files().into_iter().filter(|file| file.path.ends_with("Cargo.toml"));
    let naming = manifests.filter(|file| file.text.contains("planted")).map(|file| file.path);
    assert_eq!(naming.collect::<BTreeSet<_>>(), MANIFESTS.map(String::from).into());
    let text = std::fs::read_to_string(root().join("crates/journal/Cargo.toml")).expect("there");
    let manifest: toml::Table = text.parse().expect("cargo has read this manifest");
    let features = manifest["features"].as_table().expect("features");
    assert!(!features.contains_key("default"), "planted or not, not by default");
}

#[test]
fn every_fault_is_in_the_script_and_has_its_test() {
    let script = std::fs::read_to_string(root().join("tests/planted-bugs.sh")).expect("a script");
    let (_, list) = script.split_once("BUGS='\n").expect("a list");
    let (list, _) = list.split_once('\'').expect("its end");
    let listed: BTreeSet<_> = list.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(listed.len() >= 15, "{listed:?}");
    let files = project_files();
    let code = files.iter().filter(|file| file.path.starts_with("crates/") && file.is(&["rs"]));
    let asked = code.flat_map(|file| file.text.split("planted(\"").skip(1));
    let asked: BTreeSet<_> = asked.filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(asked, listed, "places in the code, and the list of the script");
    let tests = list.lines().filter_map(|line| line.rsplit("::").next());
    let is_there =
        |test: &&str| files.iter().any(|file| file.text.contains(&format!("fn {test}(")));
    let gone: Vec<_> = tests.filter(|test| !is_there(test)).map(String::from).collect();
    assert_none("tests that are to find faults, and are gone", &gone);
}
