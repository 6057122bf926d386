//! Links between the project's documents.

use super::{ProjectFile, assert_none, project_files, root};

/// Lines of a document outside its fenced blocks, without inline code.
fn prose(text: &str) -> Vec<String> {
    let mut fenced = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            lines.push(line.split('`').step_by(2).collect::<Vec<_>>().join("code"));
        }
    }
    lines
}

/// Targets of the links of a document.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in prose(text) {
        for (at, _) in line.match_indices("](") {
            let target = &line[at + 2..];
            if let Some(end) = target.find(')') {
                found.push(target[..end].to_owned());
            }
        }
    }
    found
}

/// The anchors of a document's headings, as code hosts make them.
fn anchors(text: &str) -> Vec<String> {
    let mut fenced = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced && line.starts_with('#') {
            let heading = line.trim_start_matches('#').trim().to_lowercase();
            let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            found.push(kept.map(|c| if c == ' ' { '-' } else { c }).collect());
        }
    }
    found
}

/// Why a link of `file` leads nowhere.
fn fault(file: &ProjectFile, link: &str) -> Option<String> {
    let (path, anchor) = link.split_once('#').map_or((link, None), |(p, a)| (p, Some(a)));
    let target = if path.is_empty() {
        root().join(&file.path)
    } else {
        root().join(&file.path).parent()?.join(path)
    };
    if !target.exists() {
        return Some(format!("{}: {link}: no such file", file.path));
    }
    let anchor = anchor.filter(|_| target.extension().is_some_and(|ext| ext == "md"))?;
    let text = std::fs::read_to_string(&target).expect("a document can be read");
    let known = anchors(&text).iter().any(|found| found == anchor);
    (!known).then(|| format!("{}: {link}: no such heading", file.path))
}

#[test]
fn every_test_that_is_named_is_there() {
    let named = std::fs::read_to_string(root().join("tests/README.md")).expect("it can be read");
    let mut findings = Vec::new();
    let mut count = 0;
    for (before, link) in named.lines().flat_map(|line| {
        let links = line.match_indices("`](").map(|(at, _)| (&line[..at], &line[at + 3..]));
        links.collect::<Vec<_>>()
    }) {
        let name = before.rsplit('`').next().expect("what stands before");
        let path = link.split(')').next().expect("what stands behind");
        let source = std::fs::read_to_string(root().join("tests").join(path)).unwrap_or_default();
        if !source.contains(&format!("fn {name}()")) {
            findings.push(format!("{path}: {name}"));
        }
        count += 1;
    }
    assert!(count > 20, "the table names tests");
    assert_none("tests that are not there", &findings);
}

#[test]
fn every_relative_link_resolves() {
    let mut findings = Vec::new();
    for file in project_files().iter().filter(|file| file.is(&["md"])) {
        for link in links(&file.text) {
            if !link.contains("://") && !link.starts_with("mailto:") {
                findings.extend(fault(file, &link));
            }
        }
    }
    assert_none("links that lead nowhere", &findings);
}
