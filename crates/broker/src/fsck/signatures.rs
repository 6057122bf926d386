//! Whether each kept message is signed by a key that its agency had when it was accepted,
//! as the journal's own registry says of that time.

use barid_audit::entry::{Body, Entry};
use barid_journal::Blobs;
use barid_message::address::Address;
use barid_message::key::KeyId;
use barid_message::signed::SignedMessage;
use barid_message::time::Millis;
use barid_proto::journal::v1 as pb;
use barid_proto::message::v1 as wire;

use crate::kept::Kept;
use crate::registry::Registry;
use crate::scrub::Damage;

/// Follows the registry from entry to entry.
pub(crate) struct Signatures {
    registry: Registry,
}

impl Signatures {
    pub(crate) fn new() -> Self {
        Self { registry: Registry::empty() }
    }

    /// The next entry; what is wrong with the message that it accepts.
    pub(crate) fn entry(&mut self, entry: &Entry, blobs: &Blobs) -> Option<Damage> {
        match &entry.body {
            Body::RegistryChanged(facts) => {
                self.registry_is(Registry::new(facts.clone(), entry.position));
                None
            }
            Body::PeerRenewed(facts) => {
                let renewed = self.registry.renewed(facts.peer.clone()?, entry.position);
                self.registry_is(renewed);
                None
            }
            Body::Accepted(facts) => self.message(entry, facts, None, blobs),
            Body::Taken(facts) => {
                let peer = facts.slot.as_ref().map(|slot| slot.peer.as_str());
                self.message(entry, facts.message.as_ref()?, peer, blobs)
            }
            _ => None,
        }
    }

    fn registry_is<E>(&mut self, registry: Result<Registry, E>) {
        // One that cannot be read was told by the pass before.
        if let Ok(registry) = registry {
            self.registry = registry;
        }
    }

    fn message(
        &self,
        entry: &Entry,
        facts: &pb::AcceptedFacts,
        peer: Option<&str>,
        blobs: &Blobs,
    ) -> Option<Damage> {
        let kept = Kept::accepted(facts);
        // What cannot be read back was told by the pass before, or nobody needs it any more.
        let message = kept.read(blobs).ok()?;
        let is_signed = self.is_signed(message, &facts.origin_agency, peer, entry.time);
        (!is_signed).then(|| Damage::signature(entry.position, blobs, kept.at()))
    }

    fn is_signed(
        &self,
        message: wire::SignedMessage,
        agency: &str,
        peer: Option<&str>,
        at: Millis,
    ) -> bool {
        let keys = match peer {
            Some(peer) => self.registry.peer(peer).map(|peer| &peer.keys),
            None => Some(self.registry.keys()),
        };
        let signatures = message.envelope.as_ref().map(|envelope| envelope.signatures.as_slice());
        let (Some(keys), Some([signature])) = (keys, signatures) else {
            return false;
        };
        let (Ok(agency), Ok(keyid)) = (Address::parse(agency), KeyId::from_slice(&signature.keyid))
        else {
            return false;
        };
        // A peer's clock may be ahead of this one's: its card says of which time a key is.
        let key = keys.lookup(&agency, keyid).filter(|key| peer.is_some() || key.is_valid_at(at));
        let message = SignedMessage::from_proto(message).ok();
        key.zip(message).is_some_and(|(key, message)| message.check_signature(&key.key).is_ok())
    }
}
