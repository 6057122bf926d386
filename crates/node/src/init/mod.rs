//! `barid init`: keys, a small CA, certificates and configuration for one node,
//! its agencies and its operators.
//!
//! ```text
//! DIR/node/node.toml              for `barid serve --config`
//! DIR/node/keys/                  tls.pem tls-key.pem ca.pem evidence-key.pem
//!                                 log-key.pem witness-key.pem
//! DIR/ca/                         ca.pem ca-key.pem: to be taken offline
//! DIR/agencies/<cc>-<agency>[-<unit>]/
//!                                 client.toml tls.pem tls-key.pem ca.pem signing-key.pem
//! DIR/operators/<name>/           operator.toml tls.pem tls-key.pem ca.pem
//! ```
//! Each of the folders below DIR is for another holder. An agency's private keys
//! are never in the node's: the node must not be able to speak for an agency.

mod authority;
mod error;
mod names;
#[cfg(test)]
mod tests;
mod text;
mod tree;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_lc_rs::rand;
use barid_link::identity::{Identity, TrustDomain};
use barid_message::address::Address;
use barid_message::key::{Algorithm, SigningKey};
use barid_message::time::Millis;

pub use error::InitError;

use crate::config::NodeName;
use authority::{Authority, BACKDATED, Issued, ServerNames};
use names::Names;
use text::{ClientToml, Member, NodeToml};
use tree::Tree;

/// What to make.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where; must not exist, or be an empty folder. Its parent must exist.
    pub dir: PathBuf,
    /// The node's name.
    pub name: NodeName,
    /// The trust domain of all identities.
    pub trust_domain: TrustDomain,
    /// Agencies and units to host: at least one, none twice.
    pub agencies: Vec<Address>,
    /// Names of operators, labels; may be empty.
    pub operators: Vec<String>,
    /// Where the node is to listen for agency systems.
    pub exchange: SocketAddr,
    /// Where the node is to listen for operators.
    pub operations: SocketAddr,
    /// Where the node is to listen for other nodes. None: it only calls.
    pub federation: Option<SocketAddr>,
    /// DNS names of the node, at least one; clients expect the first.
    pub dns_names: Vec<String>,
    /// The present time.
    pub now: Millis,
    /// How long certificates are valid, 1 day to 10 years. The CA's: 10 years.
    pub validity: Duration,
}

impl Plan {
    /// A plan with the defaults: one operator `admin`, loopback ports 7401, 7402 and
    /// 7403, DNS name localhost, certificates for two years.
    #[must_use]
    pub fn new(
        dir: PathBuf,
        name: NodeName,
        trust_domain: TrustDomain,
        agencies: Vec<Address>,
        now: Millis,
    ) -> Self {
        Self {
            dir,
            name,
            trust_domain,
            agencies,
            operators: vec!["admin".to_owned()],
            exchange: SocketAddr::from(([127, 0, 0, 1], 7401)),
            operations: SocketAddr::from(([127, 0, 0, 1], 7402)),
            federation: Some(SocketAddr::from(([127, 0, 0, 1], 7403))),
            dns_names: vec!["localhost".to_owned()],
            now,
            validity: Duration::from_secs(2 * 365 * 24 * 60 * 60),
        }
    }

    /// Where the node is to listen.
    fn listeners(&self) -> impl Iterator<Item = SocketAddr> {
        [self.exchange, self.operations].into_iter().chain(self.federation)
    }
}

/// What was made, in the order of the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// `node.toml`.
    pub config: PathBuf,
    /// The folder with the CA's key, to be taken offline.
    pub ca: PathBuf,
    /// `client.toml` of each agency.
    pub clients: Vec<(Address, PathBuf)>,
    /// `operator.toml` of each operator.
    pub operators: Vec<(String, PathBuf)>,
}

/// Makes everything, or nothing: the tree is built and synced beside its place
/// and moved there at the end.
///
/// # Errors
/// What is wrong with the plan, or what could not be written. Nothing is left
/// behind (but with [`InitError::Unsynced`]), and what was there before is as it
/// was.
pub fn create(plan: &Plan) -> Result<Created, InitError> {
    let names = Names::of(plan)?;
    let mut tree = Tree::begin(&plan.dir, nonce()?)?;
    let authority = Authority::new(plan.name.as_str(), plan.now)?;
    for folder in ["node", "node/keys", "ca", "agencies", "operators"] {
        tree.folder(folder)?;
    }
    let ca = authority.own();
    tree.file("ca/ca.pem", &ca.certificate)?;
    tree.file("ca/ca-key.pem", ca.key.as_bytes())?;

    let evidence = SigningKey::generate(Algorithm::Ed25519)?;
    let build = Build { plan, names: &names, authority: &authority, ca: &ca, evidence: &evidence };
    let members = build.agencies(&mut tree)?;
    build.operators(&mut tree)?;
    build.node(&tree, members)?;
    tree.finish()?;
    Ok(names.created(&plan.dir))
}

/// What the parts of the tree are made from.
struct Build<'a> {
    plan: &'a Plan,
    names: &'a Names,
    authority: &'a Authority,
    ca: &'a Issued,
    evidence: &'a SigningKey,
}

impl Build<'_> {
    fn agencies(&self, tree: &mut Tree) -> Result<Vec<Member>, InitError> {
        let mut members = Vec::with_capacity(self.names.agencies.len());
        for (address, folder, system) in &self.names.agencies {
            let signing_key = SigningKey::generate(Algorithm::Ed25519)?;
            let folder = Path::new("agencies").join(folder);
            self.client(tree, &folder, system)?;
            let pem = signing_key.to_pem();
            tree.file(folder.join("signing-key.pem"), pem.as_bytes())?;
            let toml = self.client_toml(self.plan.exchange).agency(address);
            tree.file(folder.join("client.toml"), toml)?;
            members.push(Member {
                address: address.clone(),
                system: system.clone(),
                key: signing_key.public().clone(),
                valid_from: self.plan.now - BACKDATED,
            });
        }
        Ok(members)
    }

    fn operators(&self, tree: &mut Tree) -> Result<(), InitError> {
        for (name, identity) in &self.names.operators {
            let folder = Path::new("operators").join(name);
            self.client(tree, &folder, identity)?;
            let toml = self.client_toml(self.plan.operations).operator(identity);
            tree.file(folder.join("operator.toml"), toml)?;
        }
        Ok(())
    }

    fn node(&self, tree: &Tree, members: Vec<Member>) -> Result<(), InitError> {
        let Self { plan, names, authority, ca, evidence } = self;
        let mut addresses: Vec<_> = plan.listeners().map(|listener| listener.ip()).collect();
        addresses.retain(|ip| !ip.is_unspecified());
        addresses.sort_unstable();
        addresses.dedup();
        let server_names = ServerNames { dns: &plan.dns_names, addresses: &addresses };
        let issued = authority.node(&names.node, &server_names, plan.validity)?;
        tree.file("node/keys/tls.pem", &issued.certificate)?;
        tree.file("node/keys/tls-key.pem", issued.key.as_bytes())?;
        tree.file("node/keys/ca.pem", &ca.certificate)?;
        tree.file("node/keys/evidence-key.pem", evidence.to_pem().as_bytes())?;
        for name in ["log-key.pem", "witness-key.pem"] {
            let key = SigningKey::generate(Algorithm::Ed25519)?;
            tree.file(Path::new("node/keys").join(name), key.to_pem().as_bytes())?;
        }
        let toml = NodeToml {
            name: &plan.name,
            trust_domain: &plan.trust_domain,
            exchange: plan.exchange,
            operations: plan.operations,
            federation: plan.federation,
            members,
            operators: names.operators.iter().map(|(_, identity)| identity.clone()).collect(),
        };
        tree.file("node/node.toml", toml.render())
    }

    /// The folder of one who connects to the node, with certificate, key and CA.
    fn client(&self, tree: &mut Tree, folder: &Path, who: &Identity) -> Result<(), InitError> {
        let issued = self.authority.client(who, self.plan.validity)?;
        tree.folder(folder)?;
        tree.file(folder.join("tls.pem"), &issued.certificate)?;
        tree.file(folder.join("tls-key.pem"), issued.key.as_bytes())?;
        tree.file(folder.join("ca.pem"), &self.ca.certificate)
    }

    fn client_toml(&self, listener: SocketAddr) -> ClientToml<'_> {
        let Names { node, server_name, .. } = self.names;
        ClientToml { listener, server_name, node, evidence: self.evidence.public() }
    }
}

fn nonce() -> Result<u64, InitError> {
    let mut bytes = [0; 8];
    rand::fill(&mut bytes).map_err(|_unspecified| InitError::Randomness)?;
    Ok(u64::from_le_bytes(bytes))
}
