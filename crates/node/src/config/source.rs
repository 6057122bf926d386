//! The text being read, and how a place in it is named.

use std::path::{Component, Path, PathBuf};

use toml::Spanned;

use super::error::{ConfigError, Place, Problem};
use super::raw::Text;

/// One configuration text and the file it came from.
pub(super) struct Source<'a> {
    pub(super) file: &'a Path,
    pub(super) text: &'a str,
}

impl Source<'_> {
    /// `problem`, at the place of `value`.
    pub(super) fn refuse<T>(&self, value: &Spanned<T>, problem: Problem) -> ConfigError {
        self.refuse_at(value.span().start, problem)
    }

    /// `problem`, at byte `offset` of the text.
    pub(super) fn refuse_at(&self, offset: usize, problem: Problem) -> ConfigError {
        ConfigError::At {
            place: Place::of(self.file, self.text, offset),
            problem: Box::new(problem),
        }
    }

    /// A path, taken relative to the file's folder.
    pub(super) fn path(&self, raw: &Text) -> Result<PathBuf, ConfigError> {
        if raw.get_ref().is_empty() {
            return Err(self.refuse(raw, Problem::EmptyPath));
        }
        let folder = self.file.parent().unwrap_or_else(|| Path::new(""));
        Ok(folder.join(raw.get_ref()))
    }
}

/// Whether `file` lies in `folder` by name alone; links are followed only where
/// the file system is looked at (see `files`).
pub(super) fn lies_in(file: &Path, folder: &Path) -> bool {
    normal(file).starts_with(normal(folder))
}

fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(out.components().next_back(), Some(Component::Normal(_))) =>
            {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}
