//! The examples of the help, typed as they are printed.

use std::process::{Command, Stdio};

use super::Desk;
use crate::harness::{program, write};

/// The commands under a heading of a help text, those that go on over lines made one.
fn examples(help: &str, heading: &str) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    let mut goes_on = false;
    let lines = help.lines().skip_while(|line| *line != heading).skip(1);
    for line in lines.take_while(|line| line.starts_with("  ")) {
        // What stands further right explains.
        let line = line.trim().split("   ").next().unwrap_or_default();
        let text = line.trim_end_matches('\\').trim_end();
        match commands.last_mut() {
            Some(command) if goes_on => command.extend([" ", text]),
            _ => commands.push(text.to_owned()),
        }
        goes_on = line.ends_with(['\\', '|']);
    }
    commands
}

/// Types a line into a shell that finds the program as `barid`.
fn typed(desk: &Desk, line: &str) {
    let bin = desk.path("bin");
    if !bin.exists() {
        std::fs::create_dir(&bin).expect("a folder can be made");
        std::os::unix::fs::symlink(program().get_program(), bin.join("barid")).expect("a link");
    }
    let output = Command::new("sh")
        .args(["-c", &format!("PATH='{}':$PATH; {line}", bin.display())])
        .current_dir(desk.folder.path())
        .env_remove("BARID_CONTEXT")
        .stdin(Stdio::null())
        .output()
        .expect("there is a shell");
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_first_round_of_the_help_can_be_typed() {
    let desk = Desk::with_node();
    let help = desk.run(&["--help"]);
    let lines = examples(&help.done().out, "A FIRST ROUND");
    assert!(
        lines[0].starts_with("barid init ") && lines[1].starts_with("barid serve "),
        "{lines:?}"
    );
    // The node of the test has been made and runs, on ports of its own.
    for line in &lines[2..] {
        typed(&desk, line);
    }
    let node = desk.run(&["--json", "node"]).done().json();
    assert_eq!(node[0]["totals"]["accepted"], "1");
}

#[test]
fn the_examples_of_send_can_be_typed() {
    let desk = Desk::with_node();
    let mut alert = desk.run(&["message", "new", "alert"]).done().out.clone();
    for left in ["what it is", "one line for a list", "what happened", "where it holds", "desk"] {
        alert = alert.replace(&format!("<{left}>"), left);
    }
    write(&desk.path("alert.json"), alert.as_bytes());
    let help = desk.run(&["send", "--help"]);
    let lines = examples(&help.done().out, "EXAMPLES");
    assert_eq!(lines.len(), 5, "{lines:?}");
    for line in &lines {
        typed(&desk, line);
    }
    let again = examples(&help.out, "TRYING AGAIN");
    // An id has a time, and that of the example is not now.
    let again = again.iter().filter(|line| line.starts_with("barid ") && !line.contains("--id"));
    assert_eq!(again.clone().count(), 2);
    for line in again {
        typed(&desk, line);
    }
    let node = desk.run(&["--json", "node"]).done().json();
    assert_eq!(node[0]["totals"]["accepted"], "4", "three, and one that is sent twice");
}
