//! Lines: the versions of one matter, as later ones replace or recall them.
//!
//! A message that nothing has replaced takes no place here: it is its own head, and the
//! memory of ids finds it. So what is kept grows with updates and recalls alone. What is
//! told of a message may come before the message itself, and the order in which versions
//! come makes no difference to how they stand in the end.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use barid_message::address::Address;
use barid_message::header::Version;
use barid_message::id::MessageId;
use barid_message::time::Millis;
use barid_proto::exchange::v1 as wire;
use barid_proto::journal::v1 as pb;
use barid_proto::message::v1::MessageType;

use super::State;
use super::dedupe::fingerprint;
use crate::caps;

const KEPT_MS: u64 = caps::DEDUPE_DAYS as u64 * 86_400_000;

/// How a version stands. What says more against it is greater.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// Nothing is known that replaces or recalls it.
    #[default]
    Head,
    /// Another one has replaced it.
    Replaced,
    /// It was recalled.
    Recalled,
}

impl From<Standing> for wire::Standing {
    fn from(standing: Standing) -> Self {
        match standing {
            Standing::Head => Self::Unspecified,
            Standing::Replaced => Self::Replaced,
            Standing::Recalled => Self::Recalled,
        }
    }
}

/// All lines, at most [`caps::VERSIONS_MAX`] versions in them: a line goes 33 days after
/// its last change, when no version of it can be named any more, and the one that has
/// not changed for longest goes where there are too many.
#[derive(Debug, Default)]
pub struct Lines {
    lines: BTreeMap<u64, Line>,
    /// The line of each version, by fingerprint of (originating agency, id).
    versions: HashMap<u64, u64>,
    by_age: BTreeSet<(Millis, u64)>,
}

#[derive(Debug, Default)]
struct Line {
    changed: Millis,
    /// Oldest first, at most [`caps::LINE_VERSIONS_MAX`].
    versions: Vec<(u64, Standing)>,
}

/// What a message does to its line.
struct Change {
    position: u64,
    time: Millis,
    message: u64,
    /// The fingerprint is that of a new version, not of a recall.
    is_update: bool,
    replaces: Vec<u64>,
}

impl Lines {
    fn standing(&self, version: u64) -> Standing {
        let line = self.versions.get(&version).and_then(|id| self.lines.get(id));
        let found = line.and_then(|line| line.versions.iter().find(|(known, _)| *known == version));
        found.map_or(Standing::Head, |(_, standing)| *standing)
    }

    /// Versions that would be heads of the line if this one came. What has replaced it
    /// may have come before.
    fn heads_with(&self, message: u64, replaces: &[u64]) -> usize {
        let named = || replaces.iter().chain([&message]);
        let ids: BTreeSet<_> = named().filter_map(|version| self.versions.get(version)).collect();
        let versions = ids.iter().filter_map(|id| self.lines.get(id)).flat_map(|l| &l.versions);
        let heads = versions.filter(|(version, standing)| {
            *standing == Standing::Head && *version != message && !replaces.contains(version)
        });
        heads.count() + usize::from(self.standing(message) == Standing::Head)
    }

    fn fold(&mut self, change: &Change) {
        self.forget_before(change.time);
        let mut line = self.take_out(change);
        let said = if change.is_update { Standing::Replaced } else { Standing::Recalled };
        for version in &change.replaces {
            line.add(*version, said);
        }
        if change.is_update {
            line.add(change.message, Standing::Head);
        }
        let surplus = line.versions.len().saturating_sub(caps::LINE_VERSIONS_MAX);
        for (forgotten, _) in line.versions.drain(..surplus) {
            self.versions.remove(&forgotten);
        }
        self.put(change.position, line);
        while self.versions.len() > caps::VERSIONS_MAX && self.lines.len() > 1 {
            self.forget_oldest();
        }
    }

    /// The lines that a change joins, as one.
    fn take_out(&mut self, change: &Change) -> Line {
        let named = change.replaces.iter().chain([&change.message]);
        let ids: BTreeSet<u64> =
            named.filter_map(|version| self.versions.get(version)).copied().collect();
        let mut joined = Line { changed: change.time, versions: Vec::new() };
        for id in ids {
            let Some(line) = self.lines.remove(&id) else { continue };
            self.by_age.remove(&(line.changed, id));
            joined.versions.extend(line.versions);
        }
        joined
    }

    fn put(&mut self, id: u64, line: Line) {
        self.versions.extend(line.versions.iter().map(|(version, _)| (*version, id)));
        self.by_age.insert((line.changed, id));
        self.lines.insert(id, line);
    }

    fn forget_before(&mut self, now: Millis) {
        while self.by_age.first().is_some_and(|(changed, _)| changed.0 + KEPT_MS < now.0) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let Some((_, id)) = self.by_age.pop_first() else { return };
        for (version, _) in self.lines.remove(&id).unwrap_or_default().versions {
            self.versions.remove(&version);
        }
    }

    /// Matters with more than one head, which their originators have to merge.
    #[must_use]
    pub fn forks(&self) -> usize {
        self.lines.values().filter(|line| line.heads() > 1).count()
    }

    pub(super) fn to_snapshot(&self) -> Vec<pb::SnapshotLine> {
        let line = |(id, line): (&u64, &Line)| pb::SnapshotLine {
            id: *id,
            changed_ms: line.changed.0,
            versions: line.versions.iter().map(|(version, _)| *version).collect(),
            standings: line.versions.iter().map(|(_, standing)| *standing as u32).collect(),
        };
        self.lines.iter().map(line).collect()
    }

    /// `None` where one is no line.
    pub(super) fn from_snapshot(kept: &[pb::SnapshotLine]) -> Option<Self> {
        let mut lines = Self::default();
        for pb::SnapshotLine { id, changed_ms, versions, standings } in kept {
            if versions.len() != standings.len() {
                return None;
            }
            let standing = |number: &u32| match number {
                0 => Some(Standing::Head),
                1 => Some(Standing::Replaced),
                2 => Some(Standing::Recalled),
                _ => None,
            };
            let versions = versions.iter().zip(standings);
            let versions = versions.map(|(version, s)| Some((*version, standing(s)?)));
            let line =
                Line { changed: Millis(*changed_ms), versions: versions.collect::<Option<_>>()? };
            lines.put(*id, line);
        }
        Some(lines)
    }
}

impl Line {
    /// A version is known, and stands at least so: what was said against it stays.
    fn add(&mut self, version: u64, standing: Standing) {
        match self.versions.iter_mut().find(|(known, _)| *known == version) {
            Some((_, known)) => *known = (*known).max(standing),
            None => self.versions.push((version, standing)),
        }
    }

    fn heads(&self) -> usize {
        self.versions.iter().filter(|(_, standing)| *standing == Standing::Head).count()
    }
}

impl State {
    /// The lines.
    #[must_use]
    pub const fn lines(&self) -> &Lines {
        &self.lines
    }

    /// How a message stands, as far as it was told here.
    #[must_use]
    pub fn standing(&self, origin: &Address, id: &MessageId) -> Standing {
        self.lines.standing(fingerprint(origin, id))
    }

    /// Heads that a matter would have if this update of it came.
    #[must_use]
    pub fn heads_with(&self, origin: &Address, id: &MessageId, replaces: &[Version]) -> usize {
        let replaces: Vec<_> = replaces.iter().map(|v| fingerprint(&v.originator, &v.id)).collect();
        self.lines.heads_with(fingerprint(origin, id), &replaces)
    }

    /// Folds what an accepted message replaces. `None` where it names something malformed.
    pub(super) fn replaced(
        &mut self,
        (position, time): (u64, Millis),
        facts: &pb::AcceptedFacts,
    ) -> Option<()> {
        if facts.replaces.is_empty() {
            return Some(());
        }
        let named = |origin: &str, id: &str| {
            Some(fingerprint(&Address::parse(origin).ok()?, &MessageId::parse(id).ok()?))
        };
        let replaces = facts.replaces.iter().map(|one| named(&one.originator, &one.message_id));
        self.lines.fold(&Change {
            position,
            time,
            message: named(&facts.origin_agency, &facts.message_id)?,
            is_update: facts.r#type() == MessageType::Update,
            replaces: replaces.collect::<Option<_>>()?,
        });
        Some(())
    }
}

#[cfg(test)]
mod tests;
