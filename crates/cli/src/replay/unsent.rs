//! The list of records that were not sent.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::letter::Unsent;
use crate::output::{Line, Output, safe};

/// Records shown to people.
pub(crate) const SHOWN_MAX: usize = 20;

/// Gives programs all, on stdout; keeps the first few for people, on stderr; writes all
/// to a file if one is wanted.
pub(crate) struct UnsentList {
    file: Option<(PathBuf, BufWriter<File>)>,
    /// The first thing that could not be written.
    failed: Option<anyhow::Error>,
    shown: Vec<String>,
    count: usize,
}

impl UnsentList {
    /// Makes the file, so that a wrong path is known before anything is sent.
    pub(crate) fn new(path: Option<&Path>) -> anyhow::Result<Self> {
        let create = |path: &Path| -> anyhow::Result<_> {
            let file = File::create(path).with_context(|| cannot_write(path))?;
            Ok((path.to_path_buf(), BufWriter::new(file)))
        };
        Ok(Self { file: path.map(create).transpose()?, failed: None, shown: Vec::new(), count: 0 })
    }

    /// Adds a record. That one cannot be written is told at the end: what is on its way
    /// to the node goes on.
    pub(crate) fn add(&mut self, unsent: &Unsent, output: &mut Output) {
        self.count += 1;
        let line = unsent.to_string();
        if let Some((path, file)) = &mut self.file
            && let Err(error) =
                writeln!(file, "{}", safe(&line)).with_context(|| cannot_write(path))
        {
            self.failed.get_or_insert(error);
        }
        if output.wants_json() {
            if let Err(error) = output.json(&unsent.as_json()) {
                self.failed.get_or_insert_with(|| error.into());
            }
        } else if self.shown.len() < SHOWN_MAX {
            self.shown.push(line);
        }
    }

    /// Shows people the first, and says where the rest is.
    ///
    /// # Errors
    /// Not all could be written.
    pub(crate) fn finish(self, output: &mut Output) -> anyhow::Result<()> {
        for line in &self.shown {
            output.note(Line::default().caution("unmapped ").text(line));
        }
        if let Some(failed) = self.failed {
            return Err(failed);
        }
        let mut all = "--unmapped FILE and --json list all".to_owned();
        if let Some((path, mut file)) = self.file {
            file.flush().with_context(|| cannot_write(&path))?;
            all = format!("all are in {}", path.display());
        }
        let rest = self.count - self.shown.len();
        if rest > 0 && !output.wants_json() {
            output.note(format!("and {rest} more; {all}"));
        }
        Ok(())
    }
}

fn cannot_write(path: &Path) -> String {
    format!("cannot write {}", path.display())
}

#[cfg(test)]
mod tests {
    use barid_gateway::Input;

    use super::*;
    use crate::output::Looks;

    /// A table of which no row can be mapped.
    fn list(rows: usize, json: bool, path: Option<&Path>) -> (String, String) {
        let (mut output, out, err) = Output::captured(json, Looks::default());
        let mut list = UnsentList::new(path).unwrap();
        let table = format!("Date,Dead,Place\n{}", "2020-01-05,many,x\n".repeat(rows));
        for outcome in Input::from_bytes("a.csv", table.into_bytes()) {
            list.add(&Unsent::from(outcome.unwrap_err()), &mut output);
        }
        list.finish(&mut output).unwrap();
        (out.text(), err.text())
    }

    #[test]
    fn programs_get_every_record_with_file_line_and_reason() {
        let (out, err) = list(25, true, None);
        let lines: Vec<serde_json::Value> =
            out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 25);
        assert_eq!(
            lines[24],
            serde_json::json!({
                "file": "a.csv",
                "line": 26,
                "reason": "Dead \"many\" is not a number of people",
            })
        );
        assert_eq!(err, "");
    }

    #[test]
    fn people_see_the_first_and_how_to_see_all() {
        let (out, err) = list(25, false, None);
        assert_eq!(out, "");
        assert_eq!(err.lines().count(), SHOWN_MAX + 1);
        assert!(err.contains("a.csv:2: "), "{err}");
        assert!(err.ends_with("and 5 more; --unmapped FILE and --json list all\n"), "{err}");
        assert!(!list(20, false, None).1.contains("more"));

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("unmapped");
        let (_, err) = list(25, false, Some(&path));
        assert!(err.contains("and 5 more; all are in "), "{err}");
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 25);
    }
}
