//! Files and folders, read one record at a time.

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
    vec,
};

use crate::{
    cap, maritime, migrants,
    source::{Format, Outcome, Reason, SourceRef, Unmapped},
    table::{Bytes, Subject, Table},
    xml,
};

pub use crate::xml::FILE_BYTES_MAX as XML_FILE_BYTES_MAX;

/// Bytes that tell what a file is.
const HEAD_BYTES: u64 = 4 * 1024;
/// Folders inside folders.
const FOLDER_DEPTH_MAX: usize = 16;

/// One file, as an iterator over its records. A file that cannot be read as a whole
/// gives one [`Unmapped`]. Tables take memory for one row; XML is read whole, up to
/// [`XML_FILE_BYTES_MAX`].
pub struct Input {
    format: Option<Format>,
    records: Records,
}

enum Records {
    Rows(Box<Table>),
    Ready(vec::IntoIter<Outcome>),
}

impl Input {
    /// Opens a file and finds out what it is, by its content.
    #[must_use]
    pub fn open(path: &Path) -> Self {
        let name: Arc<str> = path.to_string_lossy().into();
        let head = File::open(path).and_then(|file| read_at_most(file, HEAD_BYTES));
        let head = match head {
            Ok(head) => head,
            Err(error) => return Self::refused(name, Reason::Unreadable(error.kind())),
        };
        match sniff(&head) {
            Ok(Kind::Table) => Self::table(name, &Bytes::File(path.to_owned())),
            Ok(Kind::Xml) => {
                let limit = u64::try_from(XML_FILE_BYTES_MAX + 1).unwrap_or(u64::MAX);
                match File::open(path).and_then(|file| read_at_most(file, limit)) {
                    Ok(bytes) => Self::xml(name, &bytes),
                    Err(error) => Self::refused(name, Reason::Unreadable(error.kind())),
                }
            }
            Err(reason) => Self::refused(name, reason),
        }
    }

    /// Reads what is in memory already; `name` stands for the file.
    #[must_use]
    pub fn from_bytes(name: &str, bytes: Vec<u8>) -> Self {
        let name: Arc<str> = name.into();
        match sniff(&bytes) {
            Ok(Kind::Table) => Self::table(name, &Bytes::Memory(bytes.into())),
            Ok(Kind::Xml) => Self::xml(name, &bytes),
            Err(reason) => Self::refused(name, reason),
        }
    }

    /// What the file is; `None` where it could not be read as anything.
    #[must_use]
    pub fn format(&self) -> Option<Format> {
        self.format
    }

    fn table(file: Arc<str>, bytes: &Bytes) -> Self {
        match Table::open(Arc::clone(&file), bytes) {
            Ok(table) => {
                Self { format: Some(table.format()), records: Records::Rows(Box::new(table)) }
            }
            Err(reason) => Self::refused(file, reason),
        }
    }

    fn xml(file: Arc<str>, bytes: &[u8]) -> Self {
        if bytes.len() > XML_FILE_BYTES_MAX {
            return Self::refused(
                file,
                Reason::TooLarge { what: "XML file", limit: XML_FILE_BYTES_MAX },
            );
        }
        let source = SourceRef { file, line: 0, format: Some(Format::Cap) };
        let root = match xml::decode(bytes) {
            Ok(text) => xml::parse(&text),
            Err(reason) => return Self::refused(source.file, reason),
        };
        let mut outcomes = Vec::new();
        let mut format = Some(Format::Cap);
        match root {
            Ok(root) => {
                for found in cap::find(&root, &source) {
                    if matches!(found.outcome, Err(Reason::UnknownRoot(_))) {
                        format = None;
                    }
                    let source = SourceRef { line: found.line, format, ..source.clone() };
                    match found.outcome {
                        Ok(mapped) => outcomes.extend(mapped.into_iter().map(Ok)),
                        Err(reason) => outcomes.push(Err(Unmapped { source, reason })),
                    }
                }
            }
            Err(refused) => {
                format = None;
                let source = SourceRef { line: refused.line, format, ..source };
                outcomes.push(Err(Unmapped { source, reason: refused.reason }));
            }
        }
        Self { format, records: Records::Ready(outcomes.into_iter()) }
    }

    fn refused(file: Arc<str>, reason: Reason) -> Self {
        let source = SourceRef { file, line: 0, format: None };
        let outcomes = vec![Err(Unmapped { source, reason })];
        Self { format: None, records: Records::Ready(outcomes.into_iter()) }
    }
}

impl Iterator for Input {
    type Item = Outcome;

    fn next(&mut self) -> Option<Outcome> {
        match &mut self.records {
            Records::Ready(outcomes) => outcomes.next(),
            Records::Rows(table) => {
                let map = match table.layout().subject {
                    Subject::MissingMigrants => migrants::map,
                    Subject::MaritimeAttacks => maritime::map,
                };
                let (source, outcome) = table.next_row(map)?;
                Some(outcome.map_err(|reason| Unmapped { source, reason }))
            }
        }
    }
}

/// What a file is, by its content.
///
/// # Errors
/// Why it cannot be read as any format.
pub fn detect(path: &Path) -> Result<Format, Unmapped> {
    let mut input = Input::open(path);
    match input.format() {
        Some(format) => Ok(format),
        None => match input.next() {
            Some(Err(unmapped)) => Err(unmapped),
            _ => {
                let file = path.to_string_lossy().into();
                let source = SourceRef { file, line: 0, format: None };
                Err(Unmapped { source, reason: Reason::UnknownFormat("unknown") })
            }
        },
    }
}

/// Every record of the files given, and of the files in the folders given: those in
/// the order of their names, folders inside folders too, hidden files and links to
/// folders left out.
pub fn read_all(paths: impl IntoIterator<Item = PathBuf>) -> ReadAll {
    let mut waiting: Vec<(PathBuf, usize)> = paths.into_iter().map(|path| (path, 0)).collect();
    waiting.reverse();
    ReadAll { waiting, current: None }
}

/// See [`read_all`].
pub struct ReadAll {
    /// Files and folders with their depth, the next one last.
    waiting: Vec<(PathBuf, usize)>,
    current: Option<Input>,
}

impl Iterator for ReadAll {
    type Item = Outcome;

    fn next(&mut self) -> Option<Outcome> {
        loop {
            if let Some(outcome) = self.current.as_mut().and_then(Iterator::next) {
                return Some(outcome);
            }
            let (path, depth) = self.waiting.pop()?;
            self.current = match self.open(path, depth) {
                Ok(input) => input,
                Err(unmapped) => return Some(Err(unmapped)),
            };
        }
    }
}

impl ReadAll {
    /// Opens a file, or puts the entries of a folder in line.
    fn open(&mut self, path: PathBuf, depth: usize) -> Result<Option<Input>, Unmapped> {
        let name: Arc<str> = path.to_string_lossy().into();
        let unmapped = |reason| Unmapped {
            source: SourceRef { file: Arc::clone(&name), line: 0, format: None },
            reason,
        };
        let unreadable = |error: std::io::Error| unmapped(Reason::Unreadable(error.kind()));
        let metadata = if depth == 0 { fs::metadata(&path) } else { fs::symlink_metadata(&path) };
        let kind = metadata.map_err(unreadable)?.file_type();
        if kind.is_symlink() {
            let to_file = fs::metadata(&path).is_ok_and(|target| target.is_file());
            return Ok(to_file.then(|| Input::open(&path)));
        }
        if kind.is_file() {
            return Ok(Some(Input::open(&path)));
        }
        if !kind.is_dir() {
            return Err(unmapped(Reason::UnknownFormat("neither a file nor a folder")));
        }
        if depth >= FOLDER_DEPTH_MAX {
            return Err(unmapped(Reason::TooDeep(FOLDER_DEPTH_MAX)));
        }
        let mut entries = Vec::new();
        for entry in fs::read_dir(&path).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            if !entry.file_name().to_string_lossy().starts_with('.') {
                entries.push((entry.path(), depth + 1));
            }
        }
        entries.sort();
        self.waiting.extend(entries.into_iter().rev());
        Ok(None)
    }
}

enum Kind {
    Xml,
    Table,
}

/// XML by its first character, a table by being text.
fn sniff(head: &[u8]) -> Result<Kind, Reason> {
    let head = head.get(..4096).unwrap_or(head);
    if let [0xff, 0xfe, b'<', 0, ..] | [0xfe, 0xff, 0, b'<', ..] = head {
        return Ok(Kind::Xml);
    }
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    match text {
        [] => Err(Reason::UnknownFormat("empty")),
        [b'<', ..] => Ok(Kind::Xml),
        [b'P', b'K', 3, 4, ..] => Err(Reason::UnknownFormat("a zip archive; unpack it first")),
        text if text.contains(&0) => Err(Reason::UnknownFormat("not text in UTF-8")),
        _ => Ok(Kind::Table),
    }
}

fn read_at_most(file: File, bytes_max: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(bytes_max).read_to_end(&mut bytes)?;
    Ok(bytes)
}
