//! What a bundle of evidence is made from.

use std::collections::BTreeSet;

use barid_audit::bundle::Kept;
use barid_audit::entry::{Body, EntryKind};
use barid_journal::StoredRecord;
use barid_message::Reason;
use barid_message::address::Address;
use barid_message::id::MessageId;
use barid_proto::journal::v1 as pb;
use barid_proto::message::v1::SignedMessage;

use super::Broker;
use super::reading::unreadable;
use crate::decide::Refusal;

/// A message with all entries that its evidence rests on.
#[derive(Debug)]
pub struct Grounds {
    /// The message as it was signed.
    pub message: SignedMessage,
    /// Entries about it, and those that say whose keys counted, in order.
    pub entries: Vec<Kept>,
    /// Position of the last of them.
    pub last: u64,
}

impl Broker {
    /// Reads what evidence about a message rests on. `places` are positions of all entries
    /// about its id; `origin` its agency, where several have used the id. The whole journal
    /// is passed over, for entries about keys are few and in no index: half a second a GB.
    ///
    /// # Errors
    /// [`Refusal`]: there is no such message, more than one, or it cannot be read back.
    pub fn grounds(
        &self,
        id: &MessageId,
        origin: Option<&Address>,
        places: &BTreeSet<u64>,
    ) -> Result<Grounds, Refusal> {
        let facts = self.came(id, origin, places)?;
        let message = self.message(&facts)?;
        let entries = self.with_keys(places)?;
        let last = entries.last().map_or(0, |(position, _)| *position);
        let entries = entries.into_iter().map(|(_, kept)| kept).collect();
        Ok(Grounds { message, entries, last })
    }

    /// How the message came here.
    fn came(
        &self,
        id: &MessageId,
        origin: Option<&Address>,
        places: &BTreeSet<u64>,
    ) -> Result<pb::AcceptedFacts, Refusal> {
        let id = id.to_string();
        let mut found: Option<pb::AcceptedFacts> = None;
        for place in places {
            let facts = match self.entry(*place)?.body {
                Body::Accepted(facts) => *facts,
                Body::Taken(facts) => match facts.message {
                    Some(message) => message,
                    None => continue,
                },
                _ => continue,
            };
            let is_it = facts.message_id == id
                && origin.is_none_or(|origin| origin.as_str() == facts.origin_agency);
            if !is_it {
                continue;
            }
            if found.as_ref().is_some_and(|other| other.header_digest != facts.header_digest) {
                let text = "several agencies have used this id; name the one that is meant";
                return Err(Refusal::new(Reason::WrongState, text));
            }
            found.get_or_insert(facts);
        }
        let text = "no message of that id was accepted or taken over here";
        found.ok_or_else(|| Refusal::new(Reason::NotFound, text))
    }

    /// The entries at these places, in front of each the registry that counted then, and
    /// the newest start, which names the key that evidence is signed with now.
    fn with_keys(&self, places: &BTreeSet<u64>) -> Result<Vec<(u64, Kept)>, Refusal> {
        let of_kind =
            |record: &StoredRecord, kind: EntryKind| i32::from(record.kind) == i32::from(kind);
        let mut entries = Vec::new();
        // The registry in force where the scan is, and cards that were renewed since.
        let mut registry = Vec::new();
        let mut start = None;
        for record in self.shared.reader.scan(0) {
            let record = record.map_err(|error| unreadable(&error))?;
            let position = record.position;
            if of_kind(&record, EntryKind::Restarted) {
                start = Some((position, kept(record)));
            } else if of_kind(&record, EntryKind::RegistryChanged) {
                registry = vec![(position, kept(record))];
            } else if of_kind(&record, EntryKind::PeerRenewed) {
                registry.push((position, kept(record)));
            } else if places.contains(&position) {
                entries.append(&mut registry);
                entries.push((position, kept(record)));
            }
        }
        entries.extend(start);
        entries.sort_by_key(|(position, _)| *position);
        Ok(entries)
    }
}

fn kept(record: StoredRecord) -> Kept {
    Kept { leaf: record.leaf, side: record.side }
}
