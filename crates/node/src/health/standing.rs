//! What was wrong when it was last looked at: since when, and what has changed.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use barid_message::time::Millis;
use barid_proto::operations::v1::ProblemKind;

use super::problems::Problem;

/// Names one problem as long as it stands.
pub(crate) type Key = (ProblemKind, String);

impl Problem {
    /// What it is known by.
    pub(crate) fn key(&self) -> Key {
        (self.kind, self.subject.clone())
    }

    /// Whether it has become worse than it was.
    pub(crate) fn is_worse_than(&self, before: &Self) -> bool {
        self.severity > before.severity
            || self.severity == before.severity && self.stage < before.stage
    }
}

/// Something began to be wrong, or became worse, or ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) at: Millis,
    pub(crate) problem: Problem,
    pub(crate) ended: bool,
}

/// The problems that stand.
#[derive(Debug, Default)]
pub(crate) struct Standing(BTreeMap<Key, Problem>);

impl Standing {
    /// Takes in what is wrong now; gives it with the time since when it is known to be, the
    /// most urgent first, and what has changed.
    pub(crate) fn take(
        &mut self,
        now: Millis,
        mut problems: Vec<Problem>,
    ) -> (Vec<Problem>, Vec<Change>) {
        let mut before = std::mem::take(&mut self.0);
        let mut changes = Vec::new();
        for problem in &mut problems {
            let stood = before.remove(&problem.key());
            let known = stood.as_ref().and_then(|stood| stood.since);
            problem.since = problem.since.or(known).or(Some(now));
            if stood.is_none_or(|stood| problem.is_worse_than(&stood)) {
                changes.push(Change { at: now, problem: problem.clone(), ended: false });
            }
            self.0.insert(problem.key(), problem.clone());
        }
        let ended = before.into_values().map(|problem| Change { at: now, problem, ended: true });
        changes.extend(ended);
        // What is critical, and of that what has been so for longest.
        problems.sort_by(|one, other| {
            let (one_key, other_key) = ((one.since, one.key()), (other.since, other.key()));
            other.severity.cmp(&one.severity).then(one_key.cmp(&other_key))
        });
        (problems, changes)
    }
}
