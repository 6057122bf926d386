//! Damages of what is kept, as far as they are on record.

use std::collections::BTreeMap;

use barid_proto::journal::v1 as pb;
use pb::DamagedPart;

use super::State;

/// Damages by the position of the entry that is in doubt, or that names what is. None is
/// forgotten: what was taken for lost once stays so, and is not a new damage at the next
/// look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Damages(BTreeMap<u64, Known>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Known {
    part: DamagedPart,
    is_lost: bool,
}

impl Damages {
    /// Whether one is on record at this position.
    #[must_use]
    pub fn has(&self, position: u64) -> bool {
        self.0.contains_key(&position)
    }

    /// Damages that nobody has taken for lost.
    #[must_use]
    pub fn open(&self) -> u64 {
        self.0.values().filter(|known| !known.is_lost).count() as u64
    }

    /// Damages on record.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none is on record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the journal itself is damaged, which nobody can take for lost: no node
    /// would start from it again.
    #[must_use]
    pub fn is_journal_damaged(&self) -> bool {
        self.0.values().any(|known| known.part == DamagedPart::Journal)
    }

    fn fold(&mut self, facts: &pb::DamageFacts) {
        if facts.found {
            let known = Known { part: facts.part(), is_lost: false };
            self.0.entry(facts.damaged_position).or_insert(known);
        } else {
            self.0.values_mut().for_each(|known| known.is_lost = true);
        }
    }

    pub(super) fn to_snapshot(&self) -> Vec<pb::SnapshotDamage> {
        let damage = |(position, known): (&u64, &Known)| pb::SnapshotDamage {
            position: *position,
            part: known.part.into(),
            is_lost: known.is_lost,
        };
        self.0.iter().map(damage).collect()
    }

    pub(super) fn from_snapshot(damages: &[pb::SnapshotDamage]) -> Self {
        let known = |damage: &pb::SnapshotDamage| {
            (damage.position, Known { part: damage.part(), is_lost: damage.is_lost })
        };
        Self(damages.iter().map(known).collect())
    }
}

impl State {
    /// Damages on record. While one is open, nothing new is taken.
    #[must_use]
    pub const fn damages(&self) -> &Damages {
        &self.damages
    }

    pub(super) fn damaged(&mut self, facts: &pb::DamageFacts) {
        self.damages.fold(facts);
    }
}
