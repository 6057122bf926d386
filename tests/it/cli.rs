//! The first hour at the command line, as a newcomer would spend it.

mod evidence;
mod examples;
mod hostile_text;
mod joining;
mod marks;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Process, free_address, program};

/// A terminal in a folder of its own.
struct Desk {
    folder: TempDir,
    node: Option<Process>,
}

/// What a command has said.
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Desk {
    /// An empty folder.
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder"), node: None }
    }

    /// A folder in which a node for customs and police was made and runs.
    fn with_node() -> Self {
        let mut desk = Self::new();
        desk.init().done();
        desk.serve();
        desk
    }

    fn init(&self) -> Said {
        let [exchange, operations, federation] = [(); 3].map(|()| free_address().to_string());
        let listen = ["--exchange", &exchange, "--operations", &operations];
        let listen = [&listen[..], &["--federation", &federation]].concat();
        let agencies = ["--agency", "pk/customs", "--agency", "pk/police"];
        self.run(&[&["init", "barid", "--node", "torkham"], &agencies[..], &listen].concat())
    }

    fn serve(&mut self) {
        let mut node = Process::serve(&self.path("barid/node/node.toml"));
        node.listening().expect("it listens");
        self.node = Some(node);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, args: &[&str]) -> Said {
        self.run_with(args, "")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = program();
        command.args(args).current_dir(self.folder.path()).env_remove("BARID_CONTEXT");
        command
    }

    /// Runs a command, with this on stdin.
    fn run_with(&self, args: &[&str], stdin: &str) -> Said {
        let mut child = self
            .command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut pipe = child.stdin.take().expect("stdin is piped");
        // A command that reads none may be gone by now.
        drop(pipe.write_all(stdin.as_bytes()));
        drop(pipe);
        let output = child.wait_with_output().expect("the program ends");
        Said {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).expect("UTF-8"),
            err: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }

    /// Sends a note from customs to police; gives its id.
    fn send_note(&self, text: &str) -> String {
        let note = serde_json::json!({"note": {"text": [{"language": "en", "text": text}]}});
        let send = ["--as", "pk/customs", "--json", "send", "-", "--to", "pk/police"];
        let purpose = ["--purpose", "border-operation"];
        let said = self.run_with(&[&send[..], &purpose].concat(), &note.to_string());
        let lines = said.done().json();
        let id = lines[0]["messageId"].as_str().expect("an id").to_owned();
        assert_eq!(said.err.trim_end(), format!("id {id}"), "told before it is sent");
        id
    }
}

impl Said {
    /// It is done: exit code 0.
    fn done(&self) -> &Self {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        self
    }

    /// It failed with this code, for a reason whose last line holds `why`.
    fn failed(&self, code: i32, why: &str) {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        assert!(self.err.contains(why), "{why}: {}", self.err);
        assert!(self.out.is_empty(), "data goes to stdout, nothing else: {}", self.out);
    }

    /// One object a line.
    fn json(&self) -> Vec<Value> {
        let object = |line: &str| serde_json::from_str(line).expect("a line is JSON");
        self.out.lines().map(object).collect()
    }

    /// Whether a line of the table holds all these words.
    fn has_row(&self, words: &[&str]) -> bool {
        let holds = |line: &str| words.iter().all(|word| line.contains(word));
        self.out.lines().any(holds)
    }
}

#[test]
fn a_newcomer_gets_round() {
    let mut desk = Desk::new();
    let made = desk.init();
    assert!(made.done().has_row(&["agency", "pk/police", "client.toml"]), "{}", made.out);
    assert!(made.err.contains("barid serve --config barid/node/node.toml"), "{}", made.err);
    desk.init().failed(1, "barid");
    desk.serve();

    let id = desk.send_note("Gate 2 closed.");
    let disk = desk.run(&["queues", "--disk"]);
    assert!(disk.done().has_row(&["0", "1", "1 pk/police"]), "{}", disk.out);
    assert!(disk.err.contains("bytes are free"), "{}", disk.err);
    let peek = desk.run(&["--as", "pk/police", "receive", "--peek"]);
    assert!(peek.done().has_row(&[&id, "pk/customs", "Gate 2 closed."]), "{}", peek.out);
    let received = desk.run(&["--as", "pk/police", "--json", "receive", "--into", "in"]);
    let lines = received.done().json();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["header"]["identity"]["messageId"], id.as_str());
    assert_eq!(lines[0]["acceptanceVerified"], true);
    let file = format!("in/{id}.json");
    let shown = desk.run(&["message", "show", &file]);
    assert!(shown.done().out.contains("Gate 2 closed."), "{}", shown.out);
    let nothing = desk.run(&["--as", "pk/police", "receive"]);
    assert!(nothing.done().err.contains("0 messages received"), "{}", nothing.err);

    let trace = desk.run(&["trace", &id]);
    for event in ["SUBMISSION_ACCEPTED", "DELIVERED", "HANDED_OVER"] {
        assert!(trace.done().has_row(&[event]), "{event}: {}", trace.out);
    }
    let log = desk.run(&["log", "--agency", "pk/police", "--outcome", "handed-over"]);
    assert!(log.done().has_row(&["HANDED_OVER", &id]), "{}", log.out);
    let queues = desk.run(&["queues"]);
    assert!(queues.done().has_row(&["pk/police", "0"]), "{}", queues.out);
    let evidence = desk.run(&["--as", "pk/customs", "evidence"]);
    assert!(evidence.done().has_row(&["HANDED_OVER", "yes", &id, "pk/police"]), "{}", evidence.out);
    let status = desk.run(&["--as", "pk/customs", "status", &id]);
    assert!(status.done().has_row(&["pk/police", "HANDED_OVER", "yes"]), "{}", status.out);
    let node = desk.run(&["node"]);
    assert!(node.done().has_row(&["messages accepted", "1"]), "{}", node.out);
}

#[test]
fn what_is_acknowledged_was_read() {
    let desk = Desk::with_node();
    let note = r#"{"note": {"subject": [{"language": "en", "text": "Gate 2"}],
        "text": [{"language": "en", "text": "Closed\nuntil 18:00."}]}}"#;
    let send = ["--as", "pk/customs", "send", "-", "--to", "pk/police"];
    let send = [&send[..], &["--purpose", "border-operation"]].concat();
    desk.run_with(&send, note).done();

    // A full disk behind stdout: nothing was read, and nobody else waits for a lease.
    let full = std::fs::File::options().write(true).open("/dev/full").expect("/dev/full");
    let status = desk.command(&["--as", "pk/police", "--json", "receive"]).stdout(full).status();
    assert_eq!(status.expect("the program starts").code(), Some(1));

    let received = desk.run(&["--as", "pk/police", "receive"]);
    let words = ["Gate 2", "    text en: Closed", "      until 18:00."];
    assert!(words.iter().all(|words| received.done().has_row(&[words])), "{}", received.out);
    assert!(received.err.contains("1 message received"), "{}", received.err);
}

#[test]
fn keys_that_the_node_names_itself_verify_nothing() {
    let desk = Desk::with_node();
    let id = desk.send_note("Gate 2 closed.");
    for name in ["barid/context.toml", "barid/agencies/pk-customs/client.toml"] {
        let text = std::fs::read_to_string(desk.path(name)).expect("init made it");
        let lines = text.lines().filter(|line| !line.starts_with("evidence_keys"));
        let lines: Vec<_> = lines.collect();
        crate::harness::write(&desk.path(name), lines.join("\n").as_bytes());
    }
    let evidence = desk.run(&["--as", "pk/customs", "evidence"]);
    assert!(evidence.done().has_row(&["unchecked", &id]), "{}", evidence.out);
    let evidence = desk.run(&["--as", "pk/customs", "--json", "evidence"]).done().json();
    assert_eq!(evidence[0]["verified"], Value::Null);
    let status = desk.run(&["--as", "pk/customs", "status", &id]);
    assert!(status.done().err.contains("receipt unchecked"), "{}", status.err);
}

#[test]
fn every_command_gives_json_one_object_a_line() {
    let desk = Desk::with_node();
    let id = desk.send_note("Gate 2 closed.");
    let commands: [&[&str]; 9] = [
        &["log"],
        &["tail"],
        &["trace", &id],
        &["queues"],
        &["node"],
        &["--as", "pk/customs", "evidence"],
        &["--as", "pk/customs", "status", &id],
        &["--as", "pk/police", "receive", "--peek"],
        &["--as", "pk/police", "receive"],
    ];
    for command in commands {
        let said = desk.run(&[&["--json"], command].concat());
        let lines = said.done().json();
        assert!(!lines.is_empty(), "{command:?}");
        assert!(lines.iter().all(Value::is_object), "{command:?}: {}", said.out);
    }
    let none = desk.run(&["--json", "dead-letters", "list"]);
    assert!(none.done().json().is_empty());
}

#[test]
fn trying_again_is_a_repeat() {
    let desk = Desk::with_node();
    let note = r#"{"note": {"text": [{"language": "en", "text": "Gate 2 closed."}]}}"#;
    crate::harness::write(&desk.path("note.json"), note.as_bytes());
    let send = ["--as", "pk/customs", "send", "note.json", "--to", "pk/police"];
    let send = [&send[..], &["--purpose", "border-operation"]].concat();
    let first = desk.run(&send);
    let id = first.done().err.trim_end().strip_prefix("id ").expect("the id").to_owned();

    let again = desk.run(&[&send[..], &["--id", &id]].concat());

    assert!(again.done().has_row(&["accepted", &id, "(accepted before)"]), "{}", again.out);
    let node = desk.run(&["--json", "node"]).done().json();
    assert_eq!(node[0]["totals"]["accepted"], "1");
}

#[test]
fn messages_are_written_and_checked_without_a_node() {
    let desk = Desk::new();
    for kind in ["alert", "incident", "note"] {
        let template = desk.run(&["message", "new", kind]);
        crate::harness::write(&desk.path("draft.json"), template.done().out.as_bytes());
        let checked = desk.run(&["message", "check", "draft.json"]);
        assert_eq!(checked.code, Some(1), "{kind}: what stands between < and > is to be filled in");
        assert!(checked.err.contains("faults in 1 of 1 message"), "{}", checked.err);
    }
    let note = r#"{"note": {"text": [{"language": "en", "text": "Gate 2 closed."}]}}"#;
    let sound = desk.run_with(&["message", "check", "-"], note);
    assert!(sound.done().out.contains("no fault"), "{}", sound.out);
    crate::harness::write(&desk.path("broken.json"), b"{\"note\": ");
    crate::harness::write(&desk.path("sound.json"), note.as_bytes());
    let both = desk.run(&["--json", "message", "check", "broken.json", "sound.json", "no.json"]);
    assert_eq!(both.code, Some(1), "{}", both.err);
    let lines = both.json();
    let faults = |line: usize| lines[line]["faults"].as_array().expect("a list").len();
    assert_eq!((lines.len(), faults(0), faults(1), faults(2)), (3, 1, 0, 1), "{}", both.out);
    let twice = note.replace("}]", "}, {\"language\": \"xx-\", \"text\": \"\\u0007\"}]");
    let faults = desk.run_with(&["--json", "message", "check", "-"], &twice);
    assert_eq!(faults.code, Some(1));
    let faults = faults.json()[0]["faults"].clone();
    let paths: Vec<&str> = faults
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|fault| fault["path"].as_str())
        .collect();
    assert!(paths.contains(&"body.text[1].text"), "{paths:?}");
}

#[test]
fn failures_and_wrong_use_have_codes_of_their_own() {
    let mut desk = Desk::with_node();
    desk.run(&["no-such-command"]).failed(2, "no-such-command");
    desk.run(&["trace", "not-an-id"]).failed(2, "not-an-id");
    let read = |name: &str| std::fs::read_to_string(desk.path(name)).expect("init made it");
    let (client, operator) = (
        read("barid/agencies/pk-customs/client.toml"),
        read("barid/operators/admin/operator.toml"),
    );
    let endpoint = |text: &str| {
        let mut lines = text.lines();
        lines.find(|line| line.starts_with("endpoint")).expect("it has one").to_owned()
    };
    let crossed = operator.replace(&endpoint(&operator), &endpoint(&client));
    crate::harness::write(&desk.path("barid/operators/admin/crossed.toml"), crossed.as_bytes());
    let crossed = ["--client", "barid/operators/admin/crossed.toml", "node"];
    desk.run(&crossed).failed(1, "have ports of their own");
    let init = ["init", "new", "--node", "torkham", "--agency", "pk/customs"];
    for wrong in [
        ["--agency", "pk/customs"],
        ["--dns", "10.0.0.1"],
        ["--operator", "../etc"],
        ["--exchange", "127.0.0.1:0"],
    ] {
        desk.run(&[&init[..], &wrong].concat()).failed(2, "cannot init: ");
    }
    desk.run(&["log", "--from", "1h", "--to", "2h"]).failed(2, "--from is not before --to");
    desk.run(&["receive"]).failed(2, "as which agency? add --as");
    desk.run(&["--as", "pk/health", "receive"]).failed(2, "has no pk/health");
    let unknown = "01a3185c-5000-7001-8000-000000000002";
    desk.run(&["--as", "pk/customs", "status", unknown]).failed(1, "NOT_FOUND");
    desk.run(&["trace", unknown]).failed(1, "no message of that id here");
    desk.run(&["--json", "trace", unknown]).failed(1, "no message of that id here");
    let absent = "cannot read typo.csv; nothing was sent";
    desk.run(&["--as", "pk/customs", "replay", "typo.csv"]).failed(1, absent);
    desk.run(&["demo", "--replay", "typo.csv"]).failed(1, absent);
    let to_nobody = ["--as", "pk/customs", "send", "-", "--to", "pk/nobody"];
    let to_nobody = [&to_nobody[..], &["--purpose", "border-operation"]].concat();
    let note = r#"{"note": {"text": [{"language": "en", "text": "Hello?"}]}}"#;
    let refused = desk.run_with(&to_nobody, note);
    assert_eq!(refused.code, Some(1), "{}", refused.err);
    desk.run(&["--as", "pk/customs", "send", "nowhere.json"]).failed(1, "nowhere.json");
    for help in [&["--help"][..], &["send", "--help"], &["--version"]] {
        assert!(!desk.run(help).done().out.is_empty());
    }

    assert!(desk.node.take().expect("it runs").stop().status.success());
    desk.run(&["node"]).failed(1, "cannot reach the node");
}
