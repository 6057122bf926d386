use std::fs;
use std::path::{Path, PathBuf};

use clap::CommandFactory as _;
use clap::Parser as _;
use clap::error::ErrorKind;

use super::Cli;

/// Every command with its full name, the program itself first.
fn commands() -> Vec<(String, clap::Command)> {
    let mut root = Cli::command().term_width(100);
    root.build();
    let mut found = vec![("barid".to_owned(), root)];
    let mut next = 0;
    while next < found.len() {
        let (name, command) = found[next].clone();
        let below = command.get_subcommands().filter(|below| below.get_name() != "help");
        let below: Vec<_> =
            below.map(|below| (format!("{name}-{}", below.get_name()), below.clone())).collect();
        found.extend(below);
        next += 1;
    }
    found
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/args/help/{name}.txt"))
}

/// Written anew with UPDATE=1.
#[test]
fn help_is_as_reviewed() {
    let update = std::env::var_os("UPDATE").is_some_and(|value| value == "1");
    let mut wrong = Vec::new();
    for (name, mut command) in commands() {
        let help = command.render_long_help().to_string();
        let lines = help.lines().map(str::trim_end);
        let help = lines.collect::<Vec<_>>().join("\n") + "\n";
        if update {
            crate::durable::write(&golden(&name), help.as_bytes()).unwrap();
        } else if fs::read_to_string(golden(&name)).unwrap_or_default() != help {
            wrong.push(name);
        }
    }
    assert!(wrong.is_empty(), "help differs from src/args/help; look, then UPDATE=1: {wrong:?}");
    let listed = fs::read_dir(golden("barid").parent().unwrap()).unwrap().count();
    assert_eq!(listed, commands().len(), "a help text of no command");
}

#[test]
fn the_command_line_is_sound() {
    Cli::command().debug_assert();
}

/// An example that does not parse teaches nothing.
#[test]
fn every_example_in_the_help_parses() {
    let mut tried = 0;
    for (name, command) in commands() {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let parts: Vec<_> = help.split(" \\\n").collect();
        let help = parts
            .iter()
            .skip(1)
            .fold(parts[0].to_owned(), |help, part| help + " " + part.trim_start());
        for line in help.lines() {
            let Some(at) = line.find("barid ") else { continue };
            let starts = line[..at].trim();
            if !(starts.is_empty() || starts.ends_with('|')) || line.contains('`') {
                continue;
            }
            let words = words(&line[at..]);
            tried += 1;
            if let Err(error) = Cli::try_parse_from(&words) {
                assert_eq!(error.kind(), ErrorKind::DisplayHelp, "{name}: {words:?}: {error}");
            }
        }
    }
    assert!(tried > 30, "{tried} examples were found");
}

/// A line of shell: words and single quotes, up to a pipe, a redirection or the
/// explanation beside it.
fn words(line: &str) -> Vec<String> {
    let line = line.split(" > ").next().unwrap_or_default();
    let line = line.split(" | ").next().unwrap_or_default();
    let line = line.split("   ").next().unwrap_or_default();
    let mut words = Vec::new();
    for (place, part) in line.split('\'').enumerate() {
        if place % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    let placeholders = [("CURSOR", "c"), ("ID", "01a3185c-5000-7001-8000-000000000002")];
    for word in &mut words {
        if let Some((_, stands_for)) = placeholders.iter().find(|(name, _)| word == name) {
            (*stands_for).clone_into(word);
        }
    }
    words
}

#[test]
fn what_cannot_be_meant_is_refused() {
    for line in [
        "barid",
        "barid send",
        "barid init border",
        "barid --as customs node",
        "barid receive --peek --follow",
        "barid receive --refuse internal",
        "barid receive --status draft",
        "barid trace 550e8400-e29b-41d4-a716-446655440000",
        "barid log --from yesterday",
        "barid dead-letters show 01a3185c-5000-7001-8000-000000000002",
        "barid message new proposals",
    ] {
        assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{line}");
    }
}

#[test]
fn colours_are_off_where_the_environment_says_so() {
    let global = |value: &str| Cli::parse_from(["barid", "--no-color", value, "node"]).global;
    assert!(global("1").no_colour());
    assert!(!global("").no_colour());
}
