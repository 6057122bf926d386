//! What source files may hold.

use super::{ProjectFile, assert_none, project_files};

/// Longest file, in lines, and the most that the list below may ever forgive.
const LINES_MAX: usize = 400;
const LINES_MAX_HARD: usize = 600;

/// Files over the limit, with their length. An entry may only shrink, and goes when it can.
const LONGER: [(&str, usize); 0] = [];

/// Attics: names that say nothing of what is inside.
const ATTICS: [&str; 7] = ["utils", "util", "helpers", "common", "manager", "misc", "types"];

/// What the core may not name, so that it can be fuzzed, simulated and reused.
const NOT_IN_CORE: [&str; 6] =
    ["tokio::", "tonic::", "tracing::", "std::fs", "SystemTime", "std::net"];

/// Lines of Rust code before the file's own tests, without comments, numbered from 1.
fn code_lines(file: &ProjectFile) -> impl Iterator<Item = (usize, &str)> {
    file.text
        .lines()
        .take(lines_before_tests(&file.text))
        .enumerate()
        .map(|(index, line)| (index + 1, line))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// Number of lines before the tests that end a file; a `mod tests;` ends nothing.
fn lines_before_tests(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let begins_tests = |pair: &[&str]| pair[0] == "#[cfg(test)]" && pair[1].ends_with('{');
    lines.windows(2).position(begins_tests).unwrap_or(lines.len())
}

/// Whether the file is tests from end to end.
fn is_tests(path: &str) -> bool {
    path.ends_with("tests.rs") || path.contains("/tests/")
}

/// Whether `word` stands in `line` by itself.
fn has_word(line: &str, word: &str) -> bool {
    line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|found| found == word)
}

#[test]
fn every_crate_begins_with_its_ownership_sentence() {
    let findings: Vec<String> = project_files()
        .iter()
        .filter(|file| file.path.starts_with("crates/") && file.path.ends_with("/src/lib.rs"))
        .filter(|file| {
            let first = file.text.lines().next().unwrap_or_default();
            !(first.starts_with("//! ") && first.ends_with('.') && first.len() > 40)
        })
        .map(|file| file.path.clone())
        .collect();
    assert_none("line 1 must be `//! ` and one sentence that says what the crate owns", &findings);
}

#[test]
fn no_module_is_an_attic() {
    let findings: Vec<String> = project_files()
        .into_iter()
        .filter(|file| file.is(&["rs"]))
        .map(|file| file.path)
        .filter(|path| path.split(['/', '.']).any(|part| ATTICS.contains(&part)))
        .collect();
    assert_none("nouns live with the crate that gives them meaning", &findings);
}

#[test]
fn files_are_short() {
    let mut findings = Vec::new();
    for file in project_files().iter().filter(|file| file.is(&["rs", "py"])) {
        let lines = file.text.lines().count();
        let listed = LONGER.iter().find(|(path, _)| *path == file.path);
        let limit = listed.map_or(LINES_MAX, |(_, length)| *length);
        if lines > limit.min(LINES_MAX_HARD) {
            findings.push(format!("{}: {lines} lines, at most {limit}", file.path));
        }
        if listed.is_some() && lines < limit {
            findings.push(format!("{}: {lines} lines, lower its entry {limit}", file.path));
        }
    }
    assert_none("split into rooms", &findings);
}

#[test]
fn the_list_of_longer_files_is_current() {
    let files = project_files();
    let findings: Vec<String> = LONGER
        .iter()
        .filter(|(path, length)| {
            *length <= LINES_MAX || !files.iter().any(|file| file.path == *path)
        })
        .map(|(path, length)| format!("{path}: {length}"))
        .collect();
    assert_none("entries to remove", &findings);
}

#[test]
fn only_store_names_sled() {
    let mut findings = Vec::new();
    for file in project_files() {
        let elsewhere = file.path.starts_with("crates/") && !file.path.starts_with("crates/store/");
        if !elsewhere || !file.is(&["rs"]) {
            continue;
        }
        for (number, line) in code_lines(&file).filter(|(_, line)| has_word(line, "sled")) {
            findings.push(format!("{}:{number}: {}", file.path, line.trim()));
        }
    }
    assert_none("the way out of sled is one crate long", &findings);
}

#[test]
fn the_core_is_pure() {
    let core = ["crates/message/src/", "crates/audit/src/", "crates/agreement/src/"];
    let mut findings = Vec::new();
    for file in project_files() {
        if !core.iter().any(|folder| file.path.starts_with(folder)) || is_tests(&file.path) {
            continue;
        }
        for (number, line) in code_lines(&file) {
            if NOT_IN_CORE.iter().any(|banned| line.contains(banned)) {
                findings.push(format!("{}:{number}: {}", file.path, line.trim()));
            }
        }
    }
    assert_none("no runtime, files, clock, sockets or logging in the core", &findings);
}

#[test]
fn nothing_is_left_for_later() {
    // Put together here, so that this file does not find itself.
    let marks = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("to", "do!("),
        concat!("unimple", "mented!("),
        concat!("#[ig", "nore"),
    ];
    let mut findings = Vec::new();
    for file in project_files() {
        if !file.is(&["rs", "proto", "py", "toml"]) && file.path != ".ci/run" {
            continue;
        }
        for (number, line) in file.text.lines().enumerate() {
            if marks.iter().any(|mark| line.contains(mark)) {
                findings.push(format!("{}:{}: {}", file.path, number + 1, line.trim()));
            }
        }
    }
    assert_none("finish it, or take it out", &findings);
}

#[test]
fn no_path_of_a_machine_is_in_the_project() {
    let mut findings = Vec::new();
    for file in project_files() {
        for (number, line) in file.text.lines().enumerate() {
            if ["work", "root", "home"].iter().any(|top| names_top_folder(line, top)) {
                findings.push(format!("{}:{}: {}", file.path, number + 1, line.trim()));
            }
        }
    }
    assert_none("ports, paths and data folders come from flags and variables", &findings);
}

/// Whether the line holds an absolute path below `/top/`.
fn names_top_folder(line: &str, top: &str) -> bool {
    let folder = format!("/{top}/");
    line.match_indices(&folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|c| !(c.is_alphanumeric() || "._-/}*".contains(c)))
    })
}
