//! Who calls. What a caller may do comes from the registry, never from what it says
//! of itself, nor from its certificate's CA alone (DESIGN §6).

use std::sync::Arc;

use barid_link::identity::Identity;
use barid_link::tls::PeerIdentity;
use barid_message::Reason;
use barid_message::address::Address;
use tonic::{Extensions, Status};

use super::Services;

/// A system of an agency hosted here.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) identity: Arc<str>,
    addresses: Arc<[Address]>,
}

impl Caller {
    /// The addresses it may send as and receive for.
    pub(super) fn addresses(&self) -> &[Address] {
        &self.addresses
    }
}

/// An operator of this node.
#[derive(Clone, Debug)]
pub(super) struct Operator {
    pub(super) identity: Arc<str>,
}

impl Services {
    /// The agency system that calls.
    pub(super) async fn caller(&self, call: &Extensions) -> Result<Caller, Status> {
        let identity = identity(call);
        let text = identity.map(ToString::to_string).unwrap_or_default();
        let registry = self.broker.registry();
        let addresses = registry.addresses_of(&text);
        if !matches!(identity, Some(Identity::Agency { .. })) || addresses.is_empty() {
            return Err(self.unknown(&text).await);
        }
        Ok(Caller { addresses: addresses.into(), identity: text.into() })
    }

    /// The operator who calls.
    pub(super) async fn operator(&self, call: &Extensions) -> Result<Operator, Status> {
        let identity = identity(call);
        let text = identity.map(ToString::to_string).unwrap_or_default();
        if !matches!(identity, Some(Identity::Operator { .. }))
            || !self.broker.registry().is_operator(&text)
        {
            return Err(self.unknown(&text).await);
        }
        Ok(Operator { identity: text.into() })
    }

    /// Leave to ask how the node is: for operators, and for monitors, who may nothing else.
    /// Not for a person's eyes alone: it is no reading, and is not on record.
    pub(super) async fn watcher(&self, call: &Extensions) -> Result<(), Status> {
        let known = identity(call).filter(|identity| {
            matches!(identity, Identity::Operator { .. })
                && self.monitors.contains(&identity.to_string())
        });
        match known {
            Some(_) => Ok(()),
            None => self.operator(call).await.map(drop),
        }
    }

    /// Leave to act for one address.
    pub(super) async fn acting_for(
        &self,
        caller: &Caller,
        address: &str,
    ) -> Result<Address, Status> {
        match caller.addresses.iter().find(|own| own.as_str() == address) {
            Some(own) => Ok(own.clone()),
            None => {
                let text = "you may not act for that address; GetNodeInfo lists those you may";
                Err(self.refuse_on_record(&caller.identity, Reason::NotPermitted, text).await)
            }
        }
    }

    /// The node that calls: one with a card here, with a key that is on it. A
    /// certificate of its CA alone is not enough (GUARANTEES row 10).
    pub(super) async fn peer(&self, call: &Extensions) -> Result<Arc<str>, Status> {
        let caller = call.get::<PeerIdentity>();
        let identity = caller.and_then(|caller| caller.identity().ok());
        let named = identity.filter(|identity| matches!(identity, Identity::Node { .. }));
        let text = named.map(ToString::to_string).unwrap_or_default();
        let registry = self.broker.registry();
        let peer = registry.peer(&text).filter(|peer| {
            let is_pinned = caller.is_some_and(|caller| {
                peer.tls_keys.iter().any(|key| key.as_ref() == caller.key().0.as_slice())
            });
            is_pinned && self.broker.now() < peer.valid_until
        });
        match peer {
            Some(peer) => Ok(Arc::clone(&peer.identity)),
            None => {
                let text_for_caller = "no card here names you with this TLS key; exchange cards with this node's operator";
                let reason = Reason::IdentityUnknown;
                Err(self.refuse_on_record(&text, reason, text_for_caller).await)
            }
        }
    }

    async fn unknown(&self, identity: &str) -> Status {
        let text = "your certificate names nobody that this node knows here; ask its operator";
        self.refuse_on_record(identity, Reason::IdentityUnknown, text).await
    }
}

/// Who the certificate names, if anybody.
fn identity(call: &Extensions) -> Option<&Identity> {
    call.get::<PeerIdentity>()?.identity().ok()
}
