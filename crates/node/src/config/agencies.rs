//! Who may speak here: agencies with their systems and signing keys, and
//! operators.

use std::collections::{BTreeMap, BTreeSet};

use barid_link::identity::{Identity, TrustDomain};
use barid_message::address::Address;
use barid_message::key::{KeyId, PublicKey};
use barid_message::registry::RegisteredKey;
use barid_message::time::Millis;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::error::{ConfigError, Problem};
use super::raw::{RawAgency, RawKey, RawOperator, Text};
use super::source::Source;

/// `[[agency]]`: one agency or unit that this node hosts, with an inbox of its
/// own. A unit's agency need not have a table.
#[derive(Debug, Clone)]
pub struct Agency {
    /// `address`: no other table has it.
    pub address: Address,
    /// `systems`: who may send and receive as this address; each of the node's
    /// trust domain and of this address's agency. Empty = nobody for now.
    pub systems: Vec<Identity>,
    /// `may_flash`, default false: whether it may send with precedence FLASH.
    pub may_flash: bool,
    /// `[[agency.key]]`: keys that its messages may be signed with. A unit
    /// without keys uses its agency's. No key belongs to two tables.
    pub keys: Vec<RegisteredKey>,
}

/// What has been taken so far, so that nothing is taken twice.
#[derive(Default)]
struct Taken {
    addresses: BTreeSet<Address>,
    keys: BTreeMap<KeyId, Address>,
}

/// Reads all `[[agency]]` tables.
pub(super) fn read_agencies(
    source: &Source<'_>,
    domain: &TrustDomain,
    raw: &[RawAgency],
) -> Result<Vec<Agency>, ConfigError> {
    let mut taken = Taken::default();
    raw.iter().map(|raw| read_agency(source, domain, raw, &mut taken)).collect()
}

/// Reads all `[[operator]]` or `[[monitor]]` tables; none is among `others`.
pub(super) fn read_operators(
    source: &Source<'_>,
    domain: &TrustDomain,
    raw: &[RawOperator],
    others: &[Identity],
) -> Result<Vec<Identity>, ConfigError> {
    let form = format!("spiffe://{domain}/operator/NAME");
    let mut operators = Vec::with_capacity(raw.len());
    for RawOperator { id } in raw {
        let identity = read_identity(source, id, &form)?;
        let ours = identity.trust_domain() == domain;
        if !(ours && matches!(identity, Identity::Operator { .. })) {
            let wanted = "an operator of this node";
            return Err(source.refuse(id, Problem::IdentityKind { identity, wanted, form }));
        }
        if operators.contains(&identity) || others.contains(&identity) {
            return Err(source.refuse(id, Problem::IdentityTwice(identity)));
        }
        operators.push(identity);
    }
    Ok(operators)
}

/// Reads an address.
pub(super) fn read_address(source: &Source<'_>, raw: &Text) -> Result<Address, ConfigError> {
    Address::parse(raw.get_ref()).map_err(|cause| source.refuse(raw, Problem::Address { cause }))
}

fn read_agency(
    source: &Source<'_>,
    domain: &TrustDomain,
    raw: &RawAgency,
    taken: &mut Taken,
) -> Result<Agency, ConfigError> {
    let RawAgency { address: raw_address, systems: raw_systems, may_flash, key } = raw;
    let address = read_address(source, raw_address)?;
    if !taken.addresses.insert(address.clone()) {
        return Err(source.refuse(raw_address, Problem::AgencyTwice(address)));
    }
    let mut systems = Vec::with_capacity(raw_systems.len());
    for raw in raw_systems {
        let system = read_system(source, domain, &address, raw)?;
        if systems.contains(&system) {
            return Err(source.refuse(raw, Problem::IdentityTwice(system)));
        }
        systems.push(system);
    }
    let mut keys = Vec::with_capacity(key.len());
    for raw in key {
        let registered = read_key(source, raw)?;
        let keyid = registered.key.keyid();
        if let Some(owner) = taken.keys.insert(keyid, address.clone()) {
            return Err(source.refuse(&raw.spki, Problem::KeyTwice(owner)));
        }
        keys.push(registered);
    }
    Ok(Agency { address, systems, may_flash: *may_flash, keys })
}

fn read_system(
    source: &Source<'_>,
    domain: &TrustDomain,
    address: &Address,
    raw: &Text,
) -> Result<Identity, ConfigError> {
    let form = format!("spiffe://{domain}/agency/{}/SYSTEM", address.agency());
    let system = read_identity(source, raw, &form)?;
    match &system {
        Identity::Agency { trust_domain, agency, .. } if trust_domain == domain => {
            if *agency == address.agency() {
                Ok(system)
            } else {
                let address = address.clone();
                Err(source.refuse(raw, Problem::ForeignSystem { system, address }))
            }
        }
        _ => {
            let wanted = "a system of an agency of this node";
            Err(source.refuse(raw, Problem::IdentityKind { identity: system, wanted, form }))
        }
    }
}

fn read_identity(source: &Source<'_>, raw: &Text, form: &str) -> Result<Identity, ConfigError> {
    raw.get_ref().parse().map_err(|cause| {
        let (text, form) = (raw.get_ref().clone(), form.to_owned());
        source.refuse(raw, Problem::Identity { text, cause, form })
    })
}

fn read_key(source: &Source<'_>, raw: &RawKey) -> Result<RegisteredKey, ConfigError> {
    let RawKey { spki, valid_from, valid_until } = raw;
    let der = STANDARD
        .decode(spki.get_ref())
        .map_err(|_not_base64| source.refuse(spki, Problem::KeyText))?;
    let key =
        PublicKey::from_spki(&der).map_err(|cause| source.refuse(spki, Problem::Key { cause }))?;
    let from = read_time(source, valid_from)?;
    let until = valid_until.as_ref().map(|raw| read_time(source, raw)).transpose()?;
    if let (Some(end), Some(raw)) = (until, valid_until)
        && end <= from
    {
        return Err(source.refuse(raw, Problem::KeyNeverValid));
    }
    Ok(RegisteredKey { key, valid_from: from, valid_until: until })
}

fn read_time(source: &Source<'_>, raw: &Text) -> Result<Millis, ConfigError> {
    OffsetDateTime::parse(raw.get_ref(), &Rfc3339)
        .ok()
        .and_then(|time| {
            let nanos = i32::try_from(time.nanosecond()).ok()?;
            Millis::from_proto(&barid_proto::Timestamp { seconds: time.unix_timestamp(), nanos })
                .ok()
        })
        .ok_or_else(|| source.refuse(raw, Problem::Time(raw.get_ref().clone())))
}
