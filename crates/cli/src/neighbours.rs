//! Nodes that this program makes for itself, joined as their administrators would.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use barid_link::card::Contact;
use barid_link::client::OperatorClient;
use barid_node::card::{self, Wishes};
use barid_node::clock;
use barid_node::config::Config;
use barid_proto::operations::v1 as pb;
use tokio::time::sleep;

use crate::durable;

/// How long a card may be used: longer than anyone looks around.
const CARD_VALIDITY: Duration = Duration::from_hours(30 * 24);
/// Between two looks at links that come up.
const LINK_LOOK: Duration = Duration::from_millis(20);

/// A node that another is to know.
pub(crate) struct Neighbour<'a> {
    pub(crate) name: &'a str,
    pub(crate) card: &'a str,
    /// Whether it is called, or calls.
    pub(crate) is_called: bool,
}

/// What a node's administrator hands over to the others.
pub(crate) fn card_of(config: &Path) -> anyhow::Result<String> {
    let config = Config::load(config).context("cannot read back what was made")?;
    let contact = Contact { role: "duty officer".to_owned(), ..Contact::default() };
    let wishes = Wishes { contact, validity: CARD_VALIDITY, ..Wishes::default() };
    let card = card::own(&config, wishes, clock::now()).context("cannot make a card")?;
    Ok(card.to_text())
}

/// Writes the neighbours' cards beside a configuration that `barid init` made, and into it
/// the one agreement that is the same text at all nodes, and these changes of defaults.
pub(crate) fn join(
    config: &Path,
    changes: &[(&str, &str)],
    agreement: &str,
    neighbours: &[Neighbour<'_>],
) -> anyhow::Result<()> {
    let text = fs::read_to_string(config).context("cannot read back what was made")?;
    let (before, _domestic) = text.split_once("[[agreement]]").context("no agreement was made")?;
    let mut text = before.to_owned();
    for (default, changed) in changes {
        anyhow::ensure!(text.contains(default), "the configuration made has no `{default}`");
        text = text.replace(default, changed);
    }
    text.push_str(agreement);
    for Neighbour { name, card, is_called } in neighbours {
        durable::write(&config.with_file_name(format!("{name}.card")), card.as_bytes())?;
        text.push_str(&format!(
            "\n[[peer]]\nname = \"{name}\"\ncard = \"{name}.card\"\ndial = {is_called}\n"
        ));
    }
    durable::write(config, text.as_bytes())
}

/// Waits until the links of a node are live.
pub(crate) async fn linked(operator: &OperatorClient) -> anyhow::Result<()> {
    loop {
        let peers = operator.list_peers(pb::ListPeersRequest::default()).await?.peers;
        if peers.iter().all(|peer| peer.state() == pb::LinkState::Live) {
            return Ok(());
        }
        sleep(LINK_LOOK).await;
    }
}
