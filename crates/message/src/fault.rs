//! Faults: what is wrong with a message, where, by which rule, and what to do.

use std::fmt;

use crate::caps;
use crate::reason::{self, Reason};

/// One thing that is wrong with a message.
///
/// The text is for people. It names places, limits and codes, never the value that
/// was sent: neither raw input nor personal data leaves through a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where: names of fields with dots and positions, e.g. `header.recipients[3]`.
    pub path: String,
    /// What is wrong, as the stable code.
    pub reason: Reason,
    /// The rule that is broken: `V1` to `V20` of the standard, `row n` of its header
    /// table, `body` for the block's own definition, `wire` for the encoding.
    pub rule: &'static str,
    /// What is expected, and what to do.
    pub description: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, reason, rule, description } = self;
        write!(f, "{path}: {description} [{}, {rule}]", reason::name(*reason))
    }
}

/// All faults of a message: at least one, the one that decides the answer first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// The fault that decides the answer.
    pub fn first(&self) -> &Fault {
        self.0.first().expect("made from at least one fault")
    }

    /// All of them; at most [`caps::FAULTS_MAX`].
    pub fn as_slice(&self) -> &[Fault] {
        &self.0
    }

    /// Goes through all of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Fault> {
        self.0.iter()
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self(vec![fault])
    }
}

impl From<Vec<Fault>> for Faults {
    /// Of at least one fault; those beyond [`caps::FAULTS_MAX`] are left out.
    fn from(mut faults: Vec<Fault>) -> Self {
        assert!(!faults.is_empty(), "nothing is refused without a fault");
        faults.truncate(caps::FAULTS_MAX);
        Self(faults)
    }
}

impl<'a> IntoIterator for &'a Faults {
    type Item = &'a Fault;
    type IntoIter = std::slice::Iter<'a, Fault>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, fault) in self.0.iter().enumerate() {
            let separator = if position == 0 { "" } else { "; " };
            write!(f, "{separator}{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// Where a check stands in a message: a chain of names on the stack, so that a
/// message without faults costs no allocation.
#[derive(Clone, Copy)]
pub(crate) struct At<'a> {
    parent: Option<&'a Self>,
    step: Step,
}

#[derive(Clone, Copy)]
enum Step {
    Field(&'static str),
    Item(usize),
}

impl At<'static> {
    /// The outermost name.
    pub(crate) const fn root(name: &'static str) -> Self {
        Self { parent: None, step: Step::Field(name) }
    }
}

impl At<'_> {
    /// A field of what stands here.
    pub(crate) fn field(&self, name: &'static str) -> At<'_> {
        At { parent: Some(self), step: Step::Field(name) }
    }

    /// An element of the list that stands here.
    pub(crate) fn item(&self, position: usize) -> At<'_> {
        At { parent: Some(self), step: Step::Item(position) }
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            fmt::Display::fmt(parent, f)?;
        }
        match (self.parent, self.step) {
            (None, Step::Field(name)) => f.write_str(name),
            (Some(_), Step::Field(name)) => write!(f, ".{}", name.trim_start_matches("r#")),
            (_, Step::Item(position)) => write!(f, "[{position}]"),
        }
    }
}

/// Collects the faults of a message while its checks run, and beside them what is no
/// fault and somebody should look at.
#[derive(Default)]
pub(crate) struct Findings {
    faults: Vec<Fault>,
    warnings: Vec<Fault>,
}

impl Findings {
    /// Notes a fault; beyond [`caps::FAULTS_MAX`] it is only counted out.
    pub(crate) fn add(
        &mut self,
        at: At<'_>,
        reason: Reason,
        rule: &'static str,
        description: impl Into<String>,
    ) {
        if self.faults.len() < caps::FAULTS_MAX {
            let description = description.into();
            self.faults.push(Fault { path: at.to_string(), reason, rule, description });
        }
    }

    /// Notes a warning: nothing is refused for it. At most [`caps::FAULTS_MAX`].
    pub(crate) fn warn(
        &mut self,
        at: At<'_>,
        reason: Reason,
        rule: &'static str,
        description: impl Into<String>,
    ) {
        if self.warnings.len() < caps::FAULTS_MAX {
            let description = description.into();
            self.warnings.push(Fault { path: at.to_string(), reason, rule, description });
        }
    }

    /// The warnings alone.
    pub(crate) fn into_warnings(self) -> Vec<Fault> {
        self.warnings
    }

    /// How many faults were found so far.
    pub(crate) fn count(&self) -> usize {
        self.faults.len()
    }

    /// The value, if nothing was found.
    pub(crate) fn or<T>(self, value: Option<T>) -> Result<T, Faults> {
        match value {
            Some(value) if self.faults.is_empty() => Ok(value),
            _ => Err(self.into_faults()),
        }
    }

    /// The faults that were found.
    pub(crate) fn into_faults(self) -> Faults {
        self.faults.into()
    }
}
