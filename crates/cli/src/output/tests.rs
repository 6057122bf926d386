use std::io::{self, Write};

use super::{Columns, Line, Looks, Output, OutputError, Table, safe};

const PIPE: Looks = Looks { terminal: false, colour: false };
const TERMINAL: Looks = Looks { terminal: true, colour: true };

/// What can command a terminal or turn text around, wherever it stands.
fn hostile_characters() -> Vec<char> {
    let ranges = [
        '\0'..='\u{1f}',
        '\u{7f}'..='\u{9f}',
        '\u{200b}'..='\u{200b}',
        '\u{2028}'..='\u{202e}',
        '\u{2060}'..='\u{206f}',
        '\u{fff9}'..='\u{fffb}',
        '\u{fffe}'..='\u{ffff}',
        '\u{e0000}'..='\u{e007f}',
    ];
    let mut characters: Vec<char> = ranges.into_iter().flatten().collect();
    characters.extend(['\u{ad}', '\u{180e}', '\u{feff}']);
    characters
}

/// At least 200 strings that attack a terminal or its reader.
fn hostile_strings() -> Vec<String> {
    let mut strings: Vec<String> = [
        "\u{1b}[2J\u{1b}[H",
        "\u{1b}]0;title\u{7}",
        "\u{1b}]8;;http://example/\u{1b}\\link\u{1b}]8;;\u{1b}\\",
        "\u{1b}]52;c;cm0gLXJm\u{7}",
        "\u{1b}P+q544e\u{1b}\\",
        "\u{9b}31mred\u{9b}0m",
        "\u{9d}0;title\u{9c}",
        "accepted\rrefused ",
        "refused\u{8}\u{8}\u{8}\u{8}\u{8}\u{8}\u{8}accepted",
        "line\nbarid: accepted",
        "\u{202e}detpecca",
        "a\u{2067}b\u{2066}c\u{2069}",
        "gate 2\u{2029}gate 3",
        "zero\u{200b}width",
        "\u{feff}bom",
        "tag\u{e0041}\u{e0042}",
        "\0null",
        "\u{85}next line",
    ]
    .map(str::to_owned)
    .to_vec();
    for character in hostile_characters() {
        strings.push(format!("before {character} after"));
    }
    strings
}

fn is_harmless(text: &str) -> bool {
    let hostile = hostile_characters();
    !text.chars().any(|character| hostile.contains(&character))
}

#[test]
fn hostile_text_is_shown_and_never_obeyed() {
    let strings = hostile_strings();
    assert!(strings.len() >= 200);
    for string in strings {
        let shown = safe(&string);
        assert!(is_harmless(&shown), "{shown:?}");
        assert!(shown.contains("\\u{"), "{shown:?} hides what it removed");
        let hostile = hostile_characters();
        let mut kept = string.chars().filter(|character| !hostile.contains(character));
        let mut rest = shown.chars();
        assert!(kept.all(|character| rest.any(|shown| shown == character)), "{shown:?}");
    }
}

#[test]
fn letters_of_every_script_pass() {
    for text in [
        "",
        "Gate 2 closed until 18:00.",
        "دروازه ۲ بسته است",
        "می\u{200c}خواهم",
        "ক্\u{200d}ষ",
        "گیٹ 2 بند ہے",
        "دەروازە",
        "关口 2",
        "Ворота 2",
        "e\u{301}",
        "🚧",
        "\\u{202e}",
    ] {
        assert_eq!(safe(text), text);
    }
}

#[test]
fn nothing_hostile_leaves_by_any_way() {
    for looks in [PIPE, TERMINAL] {
        for string in hostile_strings() {
            let (mut output, out, err) = Output::captured(false, looks);
            let plain = Line::default().text(&*string).text(" and ").faint(&*string);
            output.line(plain).unwrap();
            output.note(&*string);
            let mut table = Table::new(["A", "B"]);
            table.row().text(&*string).number(7);
            output.table(&table).unwrap();
            Columns::new(&[("A", 3), ("B", 0)])
                .row(&mut output, [string.clone(), string.clone()])
                .unwrap();
            output.json(&string).unwrap();
            let ours = ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[2m"];
            let said = format!("{}{}", out.text(), err.text()).replace('\n', "");
            let said = ours.iter().fold(said, |said, code| said.replace(code, ""));
            assert!(is_harmless(&said), "{said:?}");
        }
    }
}

#[test]
fn json_is_the_same_data_escaped() {
    for string in hostile_strings() {
        let (mut output, out, _err) = Output::captured(true, PIPE);
        output.json(&string).unwrap();
        assert_eq!(serde_json::from_str::<String>(&out.text()).unwrap(), string);
    }
}

#[test]
fn right_to_left_text_stands_in_an_isolate_on_a_terminal_alone() {
    let line = || Line::default().text("from ").text("گمرک").text(" to pk");
    assert_eq!(line().render(PIPE), "from گمرک to pk");
    assert_eq!(line().render(TERMINAL), "from \u{2068}گمرک\u{2069} to pk");
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let line = Line::default().good("yes").text(" ").bad("no");
    assert_eq!(line.render(PIPE), "yes no");
    assert_eq!(line.render(TERMINAL), "\u{1b}[32myes\u{1b}[0m \u{1b}[31mno\u{1b}[0m");
    let plain = Looks { colour: false, ..TERMINAL };
    assert_eq!(line.render(plain), "yes no");
}

#[test]
fn tables_are_columns_in_a_pipe_and_ruled_on_a_terminal() {
    let mut table = Table::new(["INBOX", "READY"]);
    table.row().text("pk/police").number(12);
    table.row().text("pk/customs/torkham").number(3);
    assert_eq!(
        table.render(PIPE),
        "INBOX               READY\n\
         pk/police              12\n\
         pk/customs/torkham      3"
    );
    let plain = Looks { terminal: true, colour: false };
    assert_eq!(
        table.render(plain),
        "INBOX               READY\n\
         ───────────────────────────\n\
         pk/police              12\n\
         pk/customs/torkham      3"
    );
}

#[test]
fn rows_that_come_one_by_one_stand_under_their_titles() {
    let (mut output, out, _err) = Output::captured(false, PIPE);
    let mut columns = Columns::new(&[("A", 4), ("B", 3), ("C", 0)]);
    let row = |a: &str, b: &str, c: &str| [a.to_owned(), b.to_owned(), c.to_owned()];
    columns.row(&mut output, row("1", "2", "3")).unwrap();
    columns.row(&mut output, row("12345", "é", "free")).unwrap();
    columns.row(&mut output, row("1", "", "")).unwrap();
    assert_eq!(out.text(), "A     B    C\n1     2    3\n12345  é    free\n1\n");
}

/// A reader that is gone, or a disk that is full.
struct Broken(io::ErrorKind);

impl Write for Broken {
    fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_that_left_is_no_failure_but_a_full_disk_is() {
    let (mut output, _out, _err) = Output::captured(false, PIPE);
    output.out = Box::new(Broken(io::ErrorKind::BrokenPipe));
    assert!(matches!(output.line("x"), Err(OutputError::Closed)));
    output.out = Box::new(Broken(io::ErrorKind::StorageFull));
    assert!(matches!(output.line("x"), Err(OutputError::Failed(_))));
}
