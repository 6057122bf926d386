//! The stage: a folder with three countries in it, each with a node of its own, made as
//! `barid init` does and joined as two administrators would.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use barid_message::address::Address;
use barid_message::key::SigningKey;
use barid_message::registry::KeyRegistry;
use barid_node::clock;
use barid_node::config::Config;
use barid_node::init::{self, Created, Plan};
use barid_proto::operations::v1 as pb;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::cast::{Cast, Member};
use super::node::Node;
use crate::account::{AgencyAccount, OperatorAccount};
use crate::commands;
use crate::neighbours::{self, Neighbour, card_of};
use crate::scratch::Scratch;

/// The countries, each with a node of that name, and the agencies that play.
const COUNTRIES: [(&str, &[&str]); 3] = [
    ("pk", &["pk/customs", "pk/police", "pk/border-guard", "pk/health"]),
    ("ir", &["ir/customs", "ir/police"]),
    ("af", &["af/border-police", "af/health"]),
];
/// What the three have agreed on; the parties go between.
const AGREEMENT: [&str; 2] = [
    "[[agreement]]\nid = \"agr:three-borders\"\nversion = 1\nparties = [\n",
    "]\nkinds = [\"ALERT\", \"INCIDENT\", \"NOTE\"]\npurposes = [\n    \"SAFETY\", \"SECURITY\", \
     \"HEALTH\", \"BORDER_MONITORING\", \"BORDER_OPERATION\",\n    \"CUSTOMS_MONITORING\", \
     \"CUSTOMS_OPERATION\", \"LAW_ENFORCEMENT_OPERATION\",\n]\n",
];
/// Tries to find ports that nobody else takes before the nodes do.
const PORT_TRIES: u32 = 5;
/// How long the links may take to come up.
const LINK_LIMIT: Duration = Duration::from_secs(30);
/// Between two looks at them.
const LINK_LOOK: Duration = Duration::from_millis(20);
/// What differs from the configuration that `barid init` makes: little disk, and heads of
/// the audit logs that the other nodes cosign at once.
const CHANGES: [(&str, &str); 4] = [
    ("# ballast_mib = 64", "ballast_mib = 8"),
    ("# segment_mib = 64", "segment_mib = 16"),
    ("# level = \"info\"", "level = \"warn\""),
    ("# checkpoint_every_s = 30", "checkpoint_every_s = 1"),
];
/// And for the script a short lease where the desk is that crashes, so that this is over
/// soon. Nowhere else: on a busy machine a desk may need its time.
const SHORT_LEASE: (&str, &str) = ("# lease_s = 30", "lease_s = 5");
const CRASHES_IN: &str = "af";

/// Nodes that run, those who use them, and the folder of it all.
pub(super) struct Stage {
    pub(super) sites: Vec<Site>,
    pub(super) cast: Cast,
    folder: Scratch,
}

/// One country's node and its operator.
pub(super) struct Site {
    pub(super) country: &'static str,
    pub(super) node: Node,
    pub(super) operator: OperatorAccount,
    pub(super) config: PathBuf,
    /// What `--context` takes.
    pub(super) context: PathBuf,
}

/// One country's folder.
struct Made {
    country: &'static str,
    dir: PathBuf,
    created: Created,
}

/// All of them.
type Countries = [Made; COUNTRIES.len()];

impl Stage {
    /// Makes keys, certificates and configuration, joins the nodes and starts them; with
    /// leases as usual, or a short one where a desk is to crash.
    pub(super) async fn set(short_lease: bool) -> anyhow::Result<Self> {
        let mut tries = 1;
        loop {
            let folder = Scratch::new("demo", None)?;
            let ports = free_ports()?;
            let made = create(folder.path(), &ports, short_lease)?;
            let [one, two, three] = &made;
            match tokio::try_join!(one.start(), two.start(), three.start()) {
                Ok(nodes) => return Self::furnish(folder, &made, nodes.into()),
                // Between our look and their start someone else may have taken a port.
                Err(_taken) if tries < PORT_TRIES && ports.iter().any(is_taken) => tries += 1,
                Err(error) => return Err(error),
            }
        }
    }

    fn furnish(folder: Scratch, made: &Countries, nodes: [Node; 3]) -> anyhow::Result<Self> {
        let mut registry = KeyRegistry::new();
        let mut members = BTreeMap::new();
        let mut agreement = None;
        let mut sites = Vec::with_capacity(made.len());
        for (Made { country, dir, created }, node) in made.iter().zip(nodes) {
            let config = Config::load(&created.config).context("cannot read back what was made")?;
            let pem = fs::read_to_string(&config.evidence.key).context("cannot read a key back")?;
            let evidence_key = SigningKey::from_pem(&pem).context("cannot read a key back")?;
            for agency in &config.agencies {
                for key in &agency.keys {
                    registry.insert(agency.address.clone(), key.clone())?;
                }
            }
            for (address, file) in &created.clients {
                let mut account = AgencyAccount::load(file)?;
                account.evidence_keys = vec![evidence_key.public().clone()];
                members.insert(address.clone(), Member::new(account)?);
            }
            agreement = config.agreements.first().map(|agreement| agreement.reference());
            let (_, operator) = created.operators.first().context("no operator was made")?;
            sites.push(Site {
                country,
                node,
                operator: OperatorAccount::load(operator)?,
                config: created.config.clone(),
                context: dir.clone(),
            });
        }
        let agreement = agreement.context("no agreement was made")?;
        Ok(Self { sites, cast: Cast::new(members, registry, agreement), folder })
    }

    /// Waits until every node is linked with every other.
    pub(super) async fn linked(&self) -> anyhow::Result<()> {
        for site in &self.sites {
            let linked = timeout(LINK_LIMIT, site.linked()).await;
            linked.with_context(|| format!("the links of {} do not come up", site.country))??;
        }
        Ok(())
    }

    /// Stops the nodes; takes the folder away, or gives it back to be kept.
    pub(super) async fn strike(self, keep: bool) -> anyhow::Result<Option<PathBuf>> {
        let stopping: JoinSet<_> = self.sites.into_iter().map(|site| site.node.stop()).collect();
        let stopped = stopping.join_all().await;
        let kept = if keep {
            Some(self.folder.keep()?)
        } else {
            self.folder.close()?;
            None
        };
        stopped.into_iter().collect::<anyhow::Result<()>>().map(|()| kept)
    }
}

impl Site {
    /// Waits until its links are live.
    async fn linked(&self) -> anyhow::Result<()> {
        neighbours::linked(&self.operator.client()?).await
    }

    /// Waits until its link with the node of another country is gone.
    pub(super) async fn cut_off_from(&self, country: &str) -> anyhow::Result<()> {
        let operator = self.operator.client()?;
        loop {
            let peers = operator.list_peers(pb::ListPeersRequest::default()).await?.peers;
            let is_live =
                |peer: &pb::Peer| peer.name == country && peer.state() == pb::LinkState::Live;
            if !peers.iter().any(is_live) {
                return Ok(());
            }
            sleep(LINK_LOOK).await;
        }
    }

    /// Where things stand here, for an error that says where they are stuck.
    pub(super) async fn standing(&self) -> anyhow::Result<String> {
        let operator = self.operator.client()?;
        let totals = operator.node_status(pb::GetNodeStatusRequest {}).await?.totals;
        let totals = totals.unwrap_or_default();
        let peers = operator.list_peers(pb::ListPeersRequest::default()).await?.peers;
        let links = peers.iter().map(|peer| {
            let lanes = peer.lanes.iter();
            let waiting: u64 = lanes.map(|lane| lane.messages).sum();
            let (name, state) = (&peer.name, peer.state().as_str_name());
            format!("{name} {state}, {waiting} queued, {} passed on", peer.passed)
        });
        let links: Vec<_> = links.collect();
        Ok(format!(
            "{}: {} without final, {} dead letters, links: {}",
            self.country,
            totals.outstanding,
            totals.dead_letters,
            links.join("; ")
        ))
    }

    /// Messages that wait here for the node of another country.
    pub(super) async fn queued_for(&self, country: &str) -> anyhow::Result<u64> {
        let operator = self.operator.client()?;
        let peers = operator.list_peers(pb::ListPeersRequest::default()).await?.peers;
        let lanes = peers.iter().filter(|peer| peer.name == country).flat_map(|peer| &peer.lanes);
        Ok(lanes.filter(|lane| lane.lane != "evidence").map(|lane| lane.messages).sum())
    }
}

impl Made {
    async fn start(&self) -> anyhow::Result<Node> {
        Node::start(self.created.config.clone(), &self.dir.join("node/node.log")).await
    }
}

/// The folders of all countries: made, then joined.
fn create(
    folder: &Path,
    ports: &[SocketAddr; 3 * COUNTRIES.len()],
    short_lease: bool,
) -> anyhow::Result<Countries> {
    let mut made = Vec::with_capacity(COUNTRIES.len());
    for ((country, agencies), ports) in COUNTRIES.into_iter().zip(ports.as_chunks().0) {
        let dir = folder.join(country);
        let created = create_one(&dir, country, agencies, *ports)?;
        made.push(Made { country, dir, created });
    }
    let cards: anyhow::Result<Vec<_>> =
        made.iter().map(|made| card_of(&made.created.config)).collect();
    let cards = cards?;
    for (place, one) in made.iter().enumerate() {
        join(one, place, &cards, short_lease)?;
    }
    made.try_into().ok().context("a country is missing")
}

fn create_one(
    dir: &Path,
    country: &str,
    agencies: &[&str],
    [exchange, operations, federation]: [SocketAddr; 3],
) -> anyhow::Result<Created> {
    let agencies: Result<Vec<_>, _> = agencies.iter().map(|name| Address::parse(name)).collect();
    let trust_domain = format!("{country}.barid").parse().context("no trust domain")?;
    let node = country.parse().context("no name for a node")?;
    let mut plan = Plan::new(dir.to_path_buf(), node, trust_domain, agencies?, clock::now());
    plan.exchange = exchange;
    plan.operations = operations;
    plan.federation = Some(federation);
    let created = init::create(&plan).context("cannot make keys and configuration")?;
    commands::init::write_context(dir, &created)?;
    Ok(created)
}

/// Tells a node of the others, and of what all have agreed on. Of two nodes the one before
/// calls.
fn join(made: &Made, place: usize, cards: &[String], short_lease: bool) -> anyhow::Result<()> {
    let short_lease = (short_lease && made.country == CRASHES_IN).then_some(SHORT_LEASE);
    let changes: Vec<_> = CHANGES.into_iter().chain(short_lease).collect();
    let [head, tail] = AGREEMENT;
    let mut agreement = head.to_owned();
    for party in COUNTRIES.iter().flat_map(|(_, agencies)| *agencies) {
        agreement.push_str(&format!("    \"{party}\",\n"));
    }
    agreement.push_str(tail);
    let others = COUNTRIES.iter().zip(cards).enumerate().filter(|(other, _)| *other != place);
    let others =
        others.map(|(other, ((name, _), card))| Neighbour { name, card, is_called: place < other });
    let others: Vec<_> = others.collect();
    neighbours::join(&made.created.config, &changes, &agreement, &others)
}

/// Ports of this machine that are free now.
pub(crate) fn free_ports<const N: usize>() -> anyhow::Result<[SocketAddr; N]> {
    let bind = |_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free");
    // All are held until all are found: none is found twice.
    let bound: Vec<_> = (0..N).map(bind).collect::<anyhow::Result<_>>()?;
    let addresses: Vec<_> = bound.iter().map(TcpListener::local_addr).collect::<Result<_, _>>()?;
    addresses.try_into().ok().context("no port is free")
}

fn is_taken(address: &SocketAddr) -> bool {
    TcpListener::bind(address).is_err()
}
