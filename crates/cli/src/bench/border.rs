//! Two nodes joined by cards, and an agency at each.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use barid_link::client::AgencyClient;
use barid_message::address::Address;
use barid_message::key::SigningKey;
use barid_node::clock;
use barid_node::config::Config;
use barid_node::init::{self, Created, Plan};
use tokio::time::timeout;

use super::letters::{Trust, Writer};
use super::site::QUIET;
use crate::account::{AgencyAccount, OperatorAccount};
use crate::demo::node::Node;
use crate::demo::stage::free_ports;
use crate::neighbours::{self, Neighbour, card_of};
use crate::scratch::Scratch;

/// Each node's name, and its agency: the first sends, the second receives.
const ENDS: [(&str, &str); 2] = [("pk", "pk/customs"), ("ir", "ir/police")];
/// What both have agreed on.
const AGREEMENT: &str = "[[agreement]]\nid = \"agr:bench\"\nversion = 1\n\
    parties = [\"pk/customs\", \"ir/police\"]\nkinds = [\"INCIDENT\"]\n\
    purposes = [\"BORDER_MONITORING\"]\n";
/// How long the link may take to come up.
const LINK_LIMIT: Duration = Duration::from_secs(30);

/// Both nodes' folders, and who uses them.
pub(super) struct Border {
    /// Where messages are submitted.
    pub(super) origin: End,
    /// Where they are handed out.
    pub(super) recipient: End,
    pub(super) writer: Writer,
    pub(super) trust: Arc<Trust>,
    folder: Scratch,
}

/// One of the two.
pub(super) struct End {
    config: PathBuf,
    log: PathBuf,
    agency: AgencyAccount,
    operator: OperatorAccount,
}

impl Border {
    /// Makes keys, certificates, configuration and cards. The recipient's node calls, so
    /// that a link comes up as soon as it runs.
    pub(super) fn make(folder: Option<&Path>) -> anyhow::Result<Self> {
        let folder = Scratch::new("bench", folder)?;
        let ports: [SocketAddr; 6] = free_ports()?;
        let made: anyhow::Result<Vec<_>> = ENDS
            .iter()
            .zip(ports.as_chunks().0)
            .map(|((name, agency), ports)| create(&folder.path().join(name), name, agency, *ports))
            .collect();
        let made: [Created; 2] = made?.try_into().ok().context("a node was not made")?;
        let cards = [card_of(&made[0].config)?, card_of(&made[1].config)?];
        for (place, one) in made.iter().enumerate() {
            let other = 1 - place;
            let is_called = place == 1;
            let neighbour = Neighbour { name: ENDS[other].0, card: &cards[other], is_called };
            neighbours::join(&one.config, &[QUIET], AGREEMENT, &[neighbour])?;
        }
        let [origin, recipient] = &made;
        let config = Config::load(&origin.config).context("cannot read back what was made")?;
        let (origin, recipient) = (End::new(origin)?, End::new(recipient)?);
        Ok(Self {
            writer: Writer::new(&config, &origin.agency, vec![recipient.agency.address.clone()])?,
            trust: Arc::new(Trust::new(&config, &origin.agency.address)?),
            origin,
            recipient,
            folder,
        })
    }

    /// Takes the folder away.
    pub(super) fn close(self) -> anyhow::Result<()> {
        self.folder.close()
    }
}

impl End {
    fn new(made: &Created) -> anyhow::Result<Self> {
        let config = Config::load(&made.config).context("cannot read back what was made")?;
        let pem = fs::read_to_string(&config.evidence.key).context("cannot read a key back")?;
        let evidence_key = SigningKey::from_pem(&pem).context("cannot read a key back")?;
        let (_, client) = made.clients.first().context("an agency was not made")?;
        let (_, operator) = made.operators.first().context("no operator was made")?;
        let mut agency = AgencyAccount::load(client)?;
        agency.evidence_keys = vec![evidence_key.public().clone()];
        Ok(Self {
            config: made.config.clone(),
            log: made.config.with_file_name("node.log"),
            agency,
            operator: OperatorAccount::load(operator)?,
        })
    }

    /// Starts the node, and waits until it serves.
    pub(super) async fn start(&self) -> anyhow::Result<Node> {
        Node::start(self.config.clone(), &self.log).await
    }

    /// Waits until the link is live here.
    pub(super) async fn linked(&self) -> anyhow::Result<()> {
        let linked = timeout(LINK_LIMIT, neighbours::linked(&self.operator.client()?)).await;
        linked.context("the link does not come up")?
    }

    /// The agency's client, connected.
    pub(super) async fn client(&self) -> anyhow::Result<AgencyClient> {
        let client = self.agency.client()?;
        client.node_info().await.context("cannot ask the node")?;
        Ok(client)
    }
}

fn create(
    dir: &Path,
    name: &str,
    agency: &str,
    [exchange, operations, federation]: [SocketAddr; 3],
) -> anyhow::Result<Created> {
    let agency = Address::parse(agency)?;
    let trust_domain = format!("{name}.bench.barid").parse().context("no trust domain")?;
    let name = name.parse().context("no name for a node")?;
    let mut plan = Plan::new(dir.to_path_buf(), name, trust_domain, vec![agency], clock::now());
    plan.exchange = exchange;
    plan.operations = operations;
    plan.federation = Some(federation);
    init::create(&plan).context("cannot make keys and configuration")
}
