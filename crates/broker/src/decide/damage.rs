//! What is kept is not what was written: put on record, and taken for lost.

use std::path::Path;

use barid_audit::entry::{Body, Entry};
use barid_message::Reason;
use barid_message::time::Millis;
use barid_proto::journal::v1 as pb;
use pb::DamagedPart;

use super::{Refusal, plain};
use crate::caps;
use crate::scrub::{Damage, Part};
use crate::state::State;

/// Names of folders that a file is kept with: epoch and kind.
const NAMES_KEPT: usize = 3;

/// The entry that puts a damage on record. `None` where it stands there, where more stand
/// there than anybody reads, or where what is damaged can be made again.
#[must_use]
pub fn found(state: &State, now: Millis, damage: &Damage) -> Option<Entry> {
    let part = match damage.part {
        Part::Journal => DamagedPart::Journal,
        Part::Body => DamagedPart::Body,
        Part::Snapshot | Part::Log | Part::Tiles => return None,
    };
    let damages = state.damages();
    if damages.has(damage.position) || damages.len() >= caps::DAMAGES_MAX {
        return None;
    }
    let facts = pb::DamageFacts {
        found: true,
        part: part.into(),
        damaged_position: damage.position,
        file: file(&damage.path),
        offset: damage.offset,
        actor: String::new(),
    };
    Some(plain(state, now, Body::Damage(facts)))
}

/// The entry by which an operator takes all bodies that are damaged for lost.
///
/// # Errors
/// [`Refusal`] where there are none, or the journal is damaged.
pub fn take_for_lost(state: &State, now: Millis, actor: &str) -> Result<Entry, Refusal> {
    if state.damages().is_journal_damaged() {
        let text = "the journal itself is damaged, and the node will not start from it again; put \
                    back an undamaged copy of the disk";
        return Err(Refusal::new(Reason::WrongState, text));
    }
    if state.damages().open() == 0 {
        let text = "no damage is known that nobody has taken for lost";
        return Err(Refusal::new(Reason::WrongState, text));
    }
    let facts = pb::DamageFacts { actor: actor.to_owned(), ..Default::default() };
    Ok(plain(state, now, Body::Damage(facts)))
}

/// Why nothing new is taken.
#[must_use]
pub fn refusal(state: &State) -> Option<Refusal> {
    (state.damages().open() > 0).then(|| {
        let text = "stored data of this node are damaged, and it takes nothing new until its operator \
                    has looked; keep the message and try again";
        Refusal::new(Reason::StorageDamaged, text).retry_after(60_000)
    })
}

/// As it is called in the data folder.
fn file(path: &Path) -> String {
    let names: Vec<_> = path.iter().map(|name| name.to_string_lossy()).collect();
    names[names.len().saturating_sub(NAMES_KEPT)..].join("/")
}
