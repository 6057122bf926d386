//! A node's folder, and the agencies that use it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use barid_link::client::AgencyClient;
use barid_message::address::Address;
use barid_message::key::SigningKey;
use barid_node::clock;
use barid_node::config::Config;
use barid_node::init::{self, Created, Plan};

use crate::account::AgencyAccount;
use crate::demo::stage::free_ports;
use crate::durable;
use crate::scratch::Scratch;

use super::letters::{Letter, Trust, Writer};

/// Who sends, and who receives.
const AGENCIES: [&str; 3] = ["pk/customs", "pk/police", "pk/border-guard"];
/// The one change to the configuration that `barid init` makes.
pub(super) const QUIET: (&str, &str) = ("# level = \"info\"", "level = \"warn\"");

/// A node's folder, and the agencies that use it.
pub(super) struct Site {
    pub(super) config: PathBuf,
    pub(super) data: PathBuf,
    pub(super) log: PathBuf,
    /// Signs evidence for the node.
    pub(super) evidence_key: SigningKey,
    pub(super) trust: Arc<Trust>,
    sender: AgencyAccount,
    recipients: Vec<AgencyAccount>,
    writer: Writer,
    folder: Scratch,
}

impl Site {
    /// Makes keys, certificates and configuration.
    pub(super) fn make(folder: Option<&Path>) -> anyhow::Result<Self> {
        let folder = Scratch::new("bench", folder)?;
        let made = create(&folder.path().join("barid"))?;
        let config = Config::load(&made.config).context("cannot read back what was made")?;
        let pem = fs::read_to_string(&config.evidence.key).context("cannot read a key back")?;
        let evidence_key = SigningKey::from_pem(&pem).context("cannot read a key back")?;
        let mut accounts = Vec::new();
        for address in AGENCIES {
            let mut clients = made.clients.iter();
            let client = clients.find(|(made, _)| made.as_str() == address);
            let (_, file) = client.context("an agency was not made")?;
            let mut account = AgencyAccount::load(file)?;
            account.evidence_keys = vec![evidence_key.public().clone()];
            accounts.push(account);
        }
        let recipients = accounts.split_off(1);
        let sender = accounts.pop().context("nobody sends")?;
        let addresses = recipients.iter().map(|account| account.address.clone()).collect();
        Ok(Self {
            writer: Writer::new(&config, &sender, addresses)?,
            trust: Arc::new(Trust::new(&config, &sender.address)?),
            log: folder.path().join("node.log"),
            data: config.node.data,
            config: made.config,
            evidence_key,
            sender,
            recipients,
            folder,
        })
    }

    /// The sender's client.
    pub(super) fn sender(&self) -> anyhow::Result<AgencyClient> {
        self.sender.client()
    }

    /// Clients of the first so many recipients.
    pub(super) fn recipients(&self, count: u32) -> anyhow::Result<Vec<AgencyClient>> {
        let count = usize::try_from(count)?;
        self.recipients.iter().take(count).map(AgencyAccount::client).collect()
    }

    /// Signs a message to the first so many recipients.
    pub(super) fn letter(&self, recipients: u32) -> anyhow::Result<Letter> {
        self.writer.letter(recipients)
    }

    /// A new folder on the same disk.
    pub(super) fn folder(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Takes the folder away.
    pub(super) fn close(self) -> anyhow::Result<()> {
        self.folder.close()
    }
}

fn create(dir: &Path) -> anyhow::Result<Created> {
    let agencies: Result<Vec<_>, _> = AGENCIES.iter().map(|name| Address::parse(name)).collect();
    let trust_domain = "bench.barid".parse().context("no trust domain")?;
    let name = "bench".parse().context("no name for a node")?;
    let mut plan = Plan::new(dir.to_path_buf(), name, trust_domain, agencies?, clock::now());
    [plan.exchange, plan.operations] = free_ports()?;
    plan.federation = None;
    let made = init::create(&plan).context("cannot make keys and configuration")?;
    let text = fs::read_to_string(&made.config).context("cannot read back what was made")?;
    let (default, changed) = QUIET;
    anyhow::ensure!(text.contains(default), "the configuration made has no `{default}`");
    durable::write(&made.config, text.replace(default, changed).as_bytes())?;
    Ok(made)
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use barid_proto::message::v1 as pb;

    use super::Site;
    use crate::bench::letters::INCIDENT;

    #[test]
    fn the_incident_is_one_that_the_standard_takes() {
        // What PERFORMANCE.md says; other figures cannot be held against its own.
        let incident: pb::Incident = serde_json::from_str(INCIDENT).unwrap();
        assert_eq!(incident.encoded_len(), 842);
        let site = Site::make(None).unwrap();
        let letter = site.letter(2).unwrap();
        let message = site.trust.verify(letter.message).unwrap();
        assert_eq!(message.header().message_id(), letter.id);
        assert_eq!(message.header().recipients().len(), 2);
        site.close().unwrap();
    }
}
