//! Who calls. What a caller may do comes from the registry, never from what it says
//! of itself, nor from its certificate's CA alone (DESIGN §6).

use std::sync::Arc;

use barid_link::identity::Identity;
use barid_link::tls::PeerIdentity;
use barid_message::Reason;
use barid_message::address::Address;
use tonic::{Request, Status};

use super::Services;
use super::status::refuse;

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

    /// Leave to act for one address.
    pub(super) fn acting_for(&self, address: &str) -> Result<Address, Status> {
        self.addresses.iter().find(|own| own.as_str() == address).cloned().ok_or_else(|| {
            refuse(
                Reason::NotPermitted,
                "you may not act for that address; GetNodeInfo lists those you may",
            )
        })
    }
}

/// An operator of this node.
#[derive(Clone, Debug)]
pub(super) struct Operator {
    pub(super) identity: Arc<str>,
}

impl Services {
    /// The agency system that calls.
    pub(super) fn caller<T>(&self, request: &Request<T>) -> Result<Caller, Status> {
        let identity = identity(request)?;
        let text = identity.to_string();
        let addresses = self.broker.registry().addresses_of(&text);
        if !matches!(identity, Identity::Agency { .. }) || addresses.is_empty() {
            return Err(unknown());
        }
        Ok(Caller { addresses: addresses.into(), identity: text.into() })
    }

    /// The operator who calls.
    pub(super) fn operator<T>(&self, request: &Request<T>) -> Result<Operator, Status> {
        let identity = identity(request)?;
        let text = identity.to_string();
        if !matches!(identity, Identity::Operator { .. })
            || !self.broker.registry().is_operator(&text)
        {
            return Err(unknown());
        }
        Ok(Operator { identity: text.into() })
    }
}

fn identity<T>(request: &Request<T>) -> Result<&Identity, Status> {
    let peer = request.extensions().get::<PeerIdentity>().ok_or_else(unknown)?;
    peer.identity().map_err(|_why| unknown())
}

fn unknown() -> Status {
    refuse(
        Reason::IdentityUnknown,
        "your certificate names nobody that this node knows here; ask its operator",
    )
}
