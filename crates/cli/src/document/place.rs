//! Where in a JSON text a reader stopped, by the names of fields.

/// One level of the text.
enum Level {
    /// In an object; the field being read.
    Object(String),
    /// In a list; the element being read.
    List(usize),
}

/// The field at a line and column (from 1) of a text, named as a fault names it:
/// `note.text[0].language`. Empty before the first field.
pub(super) fn path_at(text: &str, line: usize, column: usize) -> String {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let end = (before + column).min(text.len());
    let mut levels: Vec<Level> = Vec::new();
    let mut bytes = text.as_bytes()[..end].iter().copied().peekable();
    // Whether the next string is the name of a field.
    let mut names = false;
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' => {
                levels.push(Level::Object(String::new()));
                names = true;
            }
            b'[' => {
                levels.push(Level::List(0));
                names = false;
            }
            b'}' | b']' if bytes.peek().is_some() => {
                levels.pop();
                names = false;
            }
            b',' => match levels.last_mut() {
                Some(Level::List(position)) => *position += 1,
                Some(Level::Object(_)) => names = true,
                None => {}
            },
            b'"' => {
                let string = string(&mut bytes);
                if let (true, Some(Level::Object(name))) = (names, levels.last_mut()) {
                    *name = string;
                }
                names = false;
            }
            _ => {}
        }
    }
    shown(&levels)
}

/// The rest of a string whose quote was read; escapes as they stand.
fn string(bytes: &mut impl Iterator<Item = u8>) -> String {
    let mut string = Vec::new();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => break,
            b'\\' => string.extend([byte].into_iter().chain(bytes.next())),
            other => string.push(other),
        }
    }
    String::from_utf8_lossy(&string).into_owned()
}

fn shown(levels: &[Level]) -> String {
    let mut path = String::new();
    for level in levels {
        match level {
            Level::Object(name) if name.is_empty() => {}
            Level::Object(name) => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(name);
            }
            Level::List(position) => path.push_str(&format!("[{position}]")),
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::path_at;

    #[test]
    fn the_field_is_named_by_what_stands_before_it() {
        let text = "{\"header\": {\"times\": {}},\n \"note\": {\"text\": [{\"language\": \"e,{n\"},\n {\"text\": 5}]}}";
        for (line, column, path) in [
            (1, 1, ""),
            (1, 10, "header"),
            (1, 21, "header.times"),
            (2, 10, "note"),
            (2, 37, "note.text[0].language"),
            (3, 11, "note.text[1].text"),
            (3, 14, "note.text"),
            (9, 99, "note"),
        ] {
            assert_eq!(path_at(text, line, column), path, "{line}:{column}");
        }
        assert_eq!(path_at("", 1, 1), "");
        assert_eq!(path_at("\"\\", 1, 2), "");
    }
}
