//! The list of records that were not sent.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::letter::Unsent;
use crate::output::{Line, Output, safe};
use crate::words;

/// Records shown on stderr.
pub(crate) const SHOWN_MAX: usize = 20;

/// Keeps the first few for stderr, and writes all to a file if one is wanted.
pub(crate) struct UnsentList {
    file: Option<(PathBuf, BufWriter<File>)>,
    failed: Option<std::io::Error>,
    shown: Vec<String>,
    count: usize,
}

impl UnsentList {
    /// Makes the file, so that a wrong path is known before anything is sent.
    pub(crate) fn new(path: Option<&Path>) -> anyhow::Result<Self> {
        let create = |path: &Path| -> anyhow::Result<_> {
            let file =
                File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
            Ok((path.to_path_buf(), BufWriter::new(file)))
        };
        Ok(Self { file: path.map(create).transpose()?, failed: None, shown: Vec::new(), count: 0 })
    }

    /// Adds a record.
    pub(crate) fn add(&mut self, unsent: &Unsent) {
        self.count += 1;
        let line = unsent.to_string();
        if let Some((_, file)) = &mut self.file
            && let Err(error) = writeln!(file, "{}", safe(&line))
        {
            self.failed.get_or_insert(error);
        }
        if self.shown.len() < SHOWN_MAX {
            self.shown.push(line);
        }
    }

    /// Shows the first, and says where the rest is.
    pub(crate) fn finish(self, output: &mut Output) -> anyhow::Result<()> {
        for line in &self.shown {
            output.note(Line::default().caution("unmapped ").text(line));
        }
        let rest = self.count - self.shown.len();
        let Some((path, mut file)) = self.file else {
            if rest > 0 {
                let more = words::count(rest, "more", "more");
                output.note(format!("and {more}; --unmapped FILE lists all"));
            }
            return Ok(());
        };
        let written = self.failed.map_or_else(|| file.flush(), Err);
        written.with_context(|| format!("cannot write {}", path.display()))?;
        if rest > 0 {
            output.note(format!("and {rest} more; all are in {}", path.display()));
        }
        Ok(())
    }
}
