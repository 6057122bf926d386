//! A plan that has been checked: who gets which name and folder.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use barid_link::identity::Identity;
use barid_message::address::Address;

use super::authority::CA_VALIDITY;
use super::{Created, InitError, Plan};

/// The system that an agency begins with.
const FIRST_SYSTEM: &str = "main";

/// Who gets which folder: a plan that has been checked.
pub(super) struct Names {
    pub(super) node: Identity,
    pub(super) server_name: String,
    pub(super) agencies: Vec<(Address, String, Identity)>,
    pub(super) operators: Vec<(String, Identity)>,
}

impl Names {
    pub(super) fn of(plan: &Plan) -> Result<Self, InitError> {
        if let Some(open) = plan.listeners().find(|at| at.port() == 0) {
            return Err(InitError::AnyPort(open));
        }
        let mut taken = BTreeSet::new();
        for listener in plan.listeners() {
            if !taken.insert(listener) {
                return Err(InitError::SameListener(listener));
            }
        }
        if !(Duration::from_secs(24 * 60 * 60)..=CA_VALIDITY).contains(&plan.validity) {
            return Err(InitError::Validity);
        }
        if let Some(wrong) = plan.dns_names.iter().find(|name| !is_dns_name(name)) {
            return Err(InitError::DnsName(wrong.clone()));
        }
        let Some(server_name) = plan.dns_names.first().cloned() else {
            return Err(InitError::DnsName(String::new()));
        };
        let node = Identity::Node { trust_domain: plan.trust_domain.clone() };
        let agencies = Self::agencies(plan)?;
        Ok(Self { node, server_name, agencies, operators: Self::operators(plan)? })
    }

    fn agencies(plan: &Plan) -> Result<Vec<(Address, String, Identity)>, InitError> {
        let mut folders: BTreeMap<String, Address> = BTreeMap::new();
        let mut agencies = Vec::with_capacity(plan.agencies.len());
        for address in &plan.agencies {
            let folder = address.as_str().replace('/', "-");
            match folders.insert(folder.clone(), address.clone()) {
                Some(other) if other == *address => return Err(InitError::AgencyTwice(other)),
                Some(other) => return Err(InitError::FolderTwice(other, address.clone(), folder)),
                None => {}
            }
            agencies.push((address.clone(), folder, first_system(plan, address)?));
        }
        if agencies.is_empty() { Err(InitError::NoAgency) } else { Ok(agencies) }
    }

    fn operators(plan: &Plan) -> Result<Vec<(String, Identity)>, InitError> {
        let mut operators: Vec<(String, Identity)> = Vec::with_capacity(plan.operators.len());
        for name in &plan.operators {
            let identity = format!("spiffe://{}/operator/{name}", plan.trust_domain)
                .parse()
                .map_err(|cause| InitError::Operator { name: name.clone(), cause })?;
            if operators.iter().any(|(_, other)| *other == identity) {
                return Err(InitError::OperatorTwice(name.clone()));
            }
            operators.push((name.clone(), identity));
        }
        Ok(operators)
    }

    pub(super) fn created(&self, dir: &Path) -> Created {
        let client = |folder: &str| dir.join("agencies").join(folder).join("client.toml");
        let operator = |name: &str| dir.join("operators").join(name).join("operator.toml");
        Created {
            config: dir.join("node").join("node.toml"),
            ca: dir.join("ca"),
            clients: self
                .agencies
                .iter()
                .map(|(address, folder, _)| (address.clone(), client(folder)))
                .collect(),
            operators: self
                .operators
                .iter()
                .map(|(name, _)| (name.clone(), operator(name)))
                .collect(),
        }
    }
}

/// `main` for an agency; a unit's system bears the unit's name, so that it is
/// not taken for the agency's.
fn first_system(plan: &Plan, address: &Address) -> Result<Identity, InitError> {
    let agency = address.agency();
    let unit = address.as_str().strip_prefix(agency.as_str()).unwrap_or_default();
    let system = match unit.trim_start_matches('/') {
        "" => FIRST_SYSTEM,
        FIRST_SYSTEM => return Err(InitError::UnitMain(address.clone())),
        unit => unit,
    };
    Ok(Identity::Agency { trust_domain: plan.trust_domain.clone(), agency, system: system.into() })
}

/// Letters, digits and inner hyphens in labels of 1 to 63, joined by dots
/// (RFC 1123, 2.1), in lower case.
fn is_dns_name(text: &str) -> bool {
    let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let whole = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(known)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(whole) && text.parse::<IpAddr>().is_err()
}
