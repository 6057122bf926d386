//! Reads a table row by row, in memory that does not grow with the file.

use std::{
    fs::File,
    io::{self, Cursor, Read},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use csv::{ByteRecord, Reader, ReaderBuilder};

use super::{
    columns::Column,
    layout::{Layout, Subject},
    row::Row,
};
use crate::{
    date::DateOrder,
    source::{Format, Reason, SourceRef},
};

/// The largest row, bytes: an unclosed quote would else read the whole file.
const ROW_BYTES_MAX: usize = 1024 * 1024;
/// Rows among which the header is looked for.
const HEADER_WITHIN: usize = 10;
/// Separators of columns.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// Columns of the widest table read.
const COLUMNS_MAX: usize = 500;

/// Where the bytes of a table come from. They are read twice: for the header and
/// what the dates tell of their order, then row by row.
#[derive(Debug, Clone)]
pub(crate) enum Bytes {
    File(PathBuf),
    Memory(Arc<[u8]>),
}

impl Bytes {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(match self {
            Self::File(path) => Box::new(File::open(path)?),
            Self::Memory(bytes) => Box::new(Cursor::new(Arc::clone(bytes))),
        })
    }
}

/// A table that is being read.
pub(crate) struct Table {
    file: Arc<str>,
    layout: Layout,
    order: DateOrder,
    rows: Rows,
}

impl Table {
    /// Understands the header and learns from the dates which order they have.
    pub(crate) fn open(file: Arc<str>, bytes: &Bytes) -> Result<Self, Reason> {
        let (separator, layout, header_row) = find_header(bytes)?;
        let mut rows = Rows::open(bytes, separator)?;
        rows.skip(header_row + 1)?;
        let mut order = DateOrder::default();
        if let Some(position) = layout.position(Column::Date) {
            while let Some(record) = rows.next()? {
                let printed = record.get(position).and_then(|cell| std::str::from_utf8(cell).ok());
                order = printed.map_or(order, |printed| order.learn(printed));
            }
        }
        let mut rows = Rows::open(bytes, separator)?;
        rows.skip(header_row + 1)?;
        Ok(Self { file, layout, order, rows })
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    pub(crate) fn format(&self) -> Format {
        match self.layout.subject {
            Subject::MissingMigrants => Format::MissingMigrants,
            Subject::MaritimeAttacks => Format::MaritimeAttacks,
        }
    }

    /// The next row that is a record, with where it stands.
    pub(crate) fn next_row<T>(
        &mut self,
        map: impl FnOnce(&Row<'_>, &SourceRef) -> Result<T, Reason>,
    ) -> Option<(SourceRef, Result<T, Reason>)> {
        let format = Some(self.format());
        let mut source = SourceRef { file: Arc::clone(&self.file), line: 0, format };
        let record = loop {
            match self.rows.next() {
                Ok(None) => return None,
                Ok(Some(record)) if is_tag_row(record) => {}
                Ok(Some(record)) => break record,
                Err(reason) => {
                    source.line = self.rows.line();
                    self.rows.finished = true;
                    return Some((source, Err(reason)));
                }
            }
        };
        source.line = record.position().map_or(0, csv::Position::line);
        let outcome = Row::of(&self.layout, self.order, record).and_then(|row| map(&row, &source));
        Some((source, outcome))
    }
}

/// Rows that are empty, or hold the `#tag` line of the Humanitarian Exchange
/// Language below the header.
fn is_tag_row(record: &ByteRecord) -> bool {
    record.iter().all(|cell| cell.is_empty() || cell.starts_with(b"#"))
}

/// Finds separator, header row and its position: the row with most columns that
/// mean something.
fn find_header(bytes: &Bytes) -> Result<(u8, Layout, usize), Reason> {
    let mut best: Option<(usize, u8, usize, Vec<String>)> = None;
    for separator in SEPARATORS {
        let mut rows = Rows::open(bytes, separator)?;
        for position in 0..HEADER_WITHIN {
            let Ok(Some(record)) = rows.next() else {
                break;
            };
            let Some(headers) = headers(record) else {
                continue;
            };
            let recognised = Layout::recognised(&headers);
            if best.as_ref().is_none_or(|(known, ..)| recognised > *known) {
                best = Some((recognised, separator, position, headers));
            }
        }
    }
    let (_, separator, position, headers) = best.ok_or(Reason::Encoding("UTF-8"))?;
    let found = headers.len();
    if found > COLUMNS_MAX {
        return Err(Reason::TooMany { what: "columns", found, limit: COLUMNS_MAX });
    }
    Ok((separator, Layout::of(headers)?, position))
}

fn headers(record: &ByteRecord) -> Option<Vec<String>> {
    record
        .iter()
        .map(|cell| std::str::from_utf8(cell).ok())
        .map(|cell| Some(cell?.trim_start_matches('\u{feff}').trim().to_owned()))
        .collect()
}

/// Records of CSV, each of bounded size.
struct Rows {
    csv: Reader<Budgeted>,
    left: Arc<AtomicUsize>,
    record: ByteRecord,
    finished: bool,
}

impl Rows {
    fn open(bytes: &Bytes, separator: u8) -> Result<Self, Reason> {
        let inner = bytes.open().map_err(|error| Reason::Unreadable(error.kind()))?;
        let left = Arc::new(AtomicUsize::new(ROW_BYTES_MAX));
        let input = Budgeted { inner, left: Arc::clone(&left) };
        let csv = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(separator)
            .from_reader(input);
        Ok(Self { csv, left, record: ByteRecord::new(), finished: false })
    }

    fn next(&mut self) -> Result<Option<&ByteRecord>, Reason> {
        if self.finished {
            return Ok(None);
        }
        self.left.store(ROW_BYTES_MAX, Ordering::Relaxed);
        match self.csv.read_byte_record(&mut self.record) {
            Ok(true) => Ok(Some(&self.record)),
            Ok(false) => Ok(None),
            Err(error) => Err(match error.into_kind() {
                csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                    Reason::TooLarge { what: "row", limit: ROW_BYTES_MAX }
                }
                csv::ErrorKind::Io(error) => Reason::Unreadable(error.kind()),
                _ => Reason::Unreadable(io::ErrorKind::InvalidData),
            }),
        }
    }

    fn skip(&mut self, rows: usize) -> Result<(), Reason> {
        for _ in 0..rows {
            self.next()?;
        }
        Ok(())
    }

    fn line(&self) -> u64 {
        self.csv.position().line()
    }
}

/// Reads at most what is left of one row's budget.
struct Budgeted {
    inner: Box<dyn Read + Send>,
    left: Arc<AtomicUsize>,
}

impl Read for Budgeted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.left.load(Ordering::Relaxed);
        if left == 0 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let most = buffer.len().min(left);
        let read = self.inner.read(&mut buffer[..most])?;
        self.left.store(left - read, Ordering::Relaxed);
        Ok(read)
    }
}
