//! The stage: a folder with a node's keys and configuration, made as `barid init` does.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use barid_message::address::Address;
use barid_message::key::SigningKey;
use barid_message::registry::KeyRegistry;
use barid_node::clock;
use barid_node::config::Config;
use barid_node::init::{self, Created, Plan};

use super::cast::{Cast, Member};
use super::node::Node;
use crate::account::{AgencyAccount, OperatorAccount};
use crate::commands;
use crate::durable;
use crate::scratch::Scratch;

/// The agencies that play.
pub(super) const AGENCIES: [&str; 4] = ["pk/customs", "pk/police", "pk/border-guard", "pk/health"];
/// Name of the node.
const NODE: &str = "torkham";
/// Tries to find two ports that nobody else takes before the node does.
const PORT_TRIES: u32 = 5;
/// What differs from the configuration that `barid init` makes: little disk.
const CHANGES: [(&str, &str); 3] = [
    ("# ballast_mib = 64", "ballast_mib = 8"),
    ("# segment_mib = 64", "segment_mib = 16"),
    ("# level = \"info\"", "level = \"warn\""),
];
/// And for the script a short lease, so that a crash is over soon.
const SHORT_LEASE: (&str, &str) = ("# lease_s = 30", "lease_s = 5");

/// A node that runs, those who use it, and the folder of it all.
pub(super) struct Stage {
    pub(super) node: Node,
    pub(super) cast: Cast,
    pub(super) operator: OperatorAccount,
    pub(super) config: PathBuf,
    /// What `--context` takes.
    pub(super) context: PathBuf,
    folder: Scratch,
}

impl Stage {
    /// Makes keys, certificates and configuration, and starts the node; with a lease as
    /// usual, or a short one.
    pub(super) async fn set(short_lease: bool) -> anyhow::Result<Self> {
        let mut tries = 1;
        loop {
            let folder = Scratch::new("demo", None)?;
            let listeners = free_ports()?;
            let made = create(&folder.path().join("barid"), listeners, short_lease)?;
            let log = folder.path().join("barid/node/node.log");
            match Node::start(made.config.clone(), &log).await {
                Ok(node) => return Self::furnish(folder, &made, node),
                // Between our look and its start someone else may have taken a port.
                Err(_taken) if tries < PORT_TRIES && listeners.iter().any(is_taken) => tries += 1,
                Err(error) => return Err(error),
            }
        }
    }

    fn furnish(folder: Scratch, made: &Created, node: Node) -> anyhow::Result<Self> {
        let config = Config::load(&made.config).context("cannot read back what was made")?;
        let pem = fs::read_to_string(&config.evidence.key).context("cannot read a key back")?;
        let evidence_key = SigningKey::from_pem(&pem).context("cannot read a key back")?;
        let mut registry = KeyRegistry::new();
        for agency in &config.agencies {
            for key in &agency.keys {
                registry.insert(agency.address.clone(), key.clone())?;
            }
        }
        let agreement = config.agreements.first().context("no agreement was made")?.reference();
        let mut members = BTreeMap::new();
        for (address, file) in &made.clients {
            let mut account = AgencyAccount::load(file)?;
            account.evidence_keys = vec![evidence_key.public().clone()];
            members.insert(address.clone(), Member::new(account)?);
        }
        let (_, operator) = made.operators.first().context("no operator was made")?;
        Ok(Self {
            node,
            cast: Cast::new(members, registry, agreement),
            operator: OperatorAccount::load(operator)?,
            config: made.config.clone(),
            context: folder.path().join("barid"),
            folder,
        })
    }

    /// Stops the node; takes the folder away, or gives it back to be kept.
    pub(super) async fn strike(self, keep: bool) -> anyhow::Result<Option<PathBuf>> {
        let stopped = self.node.stop().await;
        let kept = if keep {
            Some(self.folder.keep()?)
        } else {
            self.folder.close()?;
            None
        };
        stopped.map(|()| kept)
    }
}

fn create(
    dir: &Path,
    [exchange, operations]: [SocketAddr; 2],
    short_lease: bool,
) -> anyhow::Result<Created> {
    let agencies: Result<Vec<_>, _> = AGENCIES.iter().map(|name| Address::parse(name)).collect();
    let trust_domain = format!("{NODE}.barid").parse().context("no trust domain")?;
    let node = NODE.parse().context("no name for a node")?;
    let mut plan = Plan::new(dir.to_path_buf(), node, trust_domain, agencies?, clock::now());
    plan.exchange = exchange;
    plan.operations = operations;
    plan.federation = None;
    let made = init::create(&plan).context("cannot make keys and configuration")?;
    commands::init::write_context(dir, &made)?;
    let mut text = fs::read_to_string(&made.config).context("cannot read back what was made")?;
    for (default, changed) in CHANGES.into_iter().chain(short_lease.then_some(SHORT_LEASE)) {
        anyhow::ensure!(text.contains(default), "the configuration made has no `{default}`");
        text = text.replace(default, changed);
    }
    durable::write(&made.config, text.as_bytes())?;
    Ok(made)
}

/// Two ports of this machine that are free now.
pub(crate) fn free_ports() -> anyhow::Result<[SocketAddr; 2]> {
    let bind = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free");
    let (one, other) = (bind()?, bind()?);
    Ok([one.local_addr()?, other.local_addr()?])
}

fn is_taken(address: &SocketAddr) -> bool {
    TcpListener::bind(address).is_err()
}
