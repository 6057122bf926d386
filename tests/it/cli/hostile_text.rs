//! Text of any script is shown, and no text commands a terminal.

use super::Desk;

/// Arabic in an isolate, Persian with a non-joiner, Chinese, Bengali.
const ANY_SCRIPT: &str = "\u{2067}\u{627}\u{644}\u{641}\u{2069} \u{645}\u{6cc}\u{200c}\u{631}\u{648}\u{62f} \u{4e2d}\u{6587} \u{9ac}\u{9be}\u{982}\u{9b2}\u{9be}";

/// Characters that must never be on stdout as they are: controls but for the ends of lines,
/// overrides, and isolates that are not our own.
fn hostile(out: &str) -> Vec<char> {
    let is_hostile = |c: &char| {
        (c.is_control() && *c != '\n')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    out.chars().filter(is_hostile).collect()
}

#[test]
fn any_script_is_shown_and_isolates_are_escaped() {
    let desk = Desk::with_node();
    let id = desk.send_note(ANY_SCRIPT);
    let views: [&[&str]; 4] = [
        &["--as", "pk/police", "receive", "--peek"],
        &["--as", "pk/police", "--json", "receive", "--peek"],
        &["trace", &id],
        &["--as", "pk/police", "receive", "--into", "in"],
    ];
    for view in views {
        let said = desk.run(view);
        assert_eq!(hostile(&said.done().out), [], "{view:?}: {}", said.out);
        if view[0] == "--as" {
            for letters in
                ["\u{627}\u{644}\u{641}", "\u{6cc}\u{200c}\u{631}", "\u{4e2d}\u{6587}", "\u{9ac}"]
            {
                assert!(said.out.contains(letters), "{view:?}: {}", said.out);
            }
        }
    }
    let received = desk.run(&["message", "show", &format!("in/{id}.json")]);
    assert_eq!(hostile(&received.done().out), []);
    assert!(received.out.contains("\\u{2067}"), "shown as what it is: {}", received.out);
}

#[test]
fn a_file_from_anywhere_commands_no_terminal() {
    let desk = Desk::new();
    let attack = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\u{202e}txt.exe\u{2066}\u{7f}\r";
    let note = serde_json::json!({
        "header": {"identity": {"caseRef": attack}},
        "note": {"text": [{"language": "en", "text": attack}]},
    });
    for view in [&["message", "show", "-"][..], &["--json", "message", "show", "-"]] {
        let said = desk.run_with(view, &note.to_string());
        assert_eq!(hostile(&said.done().out), [], "{view:?}: {:?}", said.out);
        assert_eq!(hostile(&said.err), [], "{view:?}: {:?}", said.err);
    }
    let checked = desk.run_with(&["message", "check", "-"], &note.to_string());
    assert_eq!(checked.code, Some(1));
    assert_eq!(hostile(&format!("{}{}", checked.out, checked.err)), []);
}
