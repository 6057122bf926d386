//! `barid peer`: the nodes that this one is linked with.

mod add;
mod examine;
mod renew;
#[cfg(test)]
mod tests;
pub(super) mod write_off;

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use barid_link::card::{Card, Fingerprint};
use barid_node::clock;
use barid_node::config::{Config, NodeName};
use clap::{Args, Subcommand};

use crate::args::Global;
use crate::context::WrongUse;
use crate::output::{Line, Output, Table};

const EXAMPLES: &str = "\
EXAMPLES
  barid peer add mirjaveh.card --name mirjaveh --config barid/node/node.toml
  barid peer add mirjaveh.card --name mirjaveh --config barid/node/node.toml \\
      --fingerprint '3141 5926 5358 9793 2384 6264 3383 2795'
  barid peer renew mirjaveh
  barid peer list --config barid/node/node.toml
  barid peer test mirjaveh --config barid/node/node.toml

  Before you add a card, call the other node's administrators at a number that you know
  already, not the one on the card, and compare all 32 digits of the fingerprint.";

/// Link this node with others, by their cards
///
/// `add` and `list` change and read the configuration alone; the node takes it up at its
/// next start. `renew` and `write-off` ask the running node, as an operator.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct PeerArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show what a card grants, and pin it once its fingerprint was compared
    #[command(after_help = ADD_HELP)]
    Add(AddArgs),
    /// Let a peer's newer card count that grants more than the one in force
    #[command(after_help = RENEW_HELP)]
    Renew(RenewArgs),
    /// List the nodes in the configuration with their cards in force
    List {
        /// The node's configuration
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Say step by step what of the link with a node works, and what to do where it does not
    #[command(after_help = TEST_HELP)]
    Test(TestArgs),
    /// Give a dead node up: two operators end what is outstanding towards it
    #[command(after_help = write_off::HELP)]
    WriteOff(write_off::WriteOffArgs),
}

#[derive(Args, Debug)]
struct AddArgs {
    /// The other node's card
    card: PathBuf,
    /// What to call it here: a-z, 0-9 and inner hyphens
    #[arg(long, value_name = "NAME")]
    name: NodeName,
    /// This node's configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    #[command(flatten)]
    compared: Compared,
}

#[derive(Args, Debug)]
struct RenewArgs {
    /// What it is called here
    name: NodeName,
    #[command(flatten)]
    compared: Compared,
}

/// That somebody has compared a card's fingerprint.
#[derive(Args, Debug)]
struct Compared {
    /// The fingerprint as it was compared, for scripts: must be the card's
    #[arg(long, value_name = "DIGITS")]
    fingerprint: Option<Fingerprint>,
    /// Do not ask: the fingerprint was compared
    #[arg(long)]
    yes: bool,
}

#[derive(Args, Debug)]
struct TestArgs {
    /// What it is called here
    name: NodeName,
    /// This node's configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

const TEST_HELP: &str = "\
EXAMPLES
  barid peer test mirjaveh --config barid/node/node.toml

  Connects as this node would, with its own certificate, and goes no further: a second
  session would end the one that is live. How that one stands, the running node says, if
  there is an operator to ask it as (--context, --as); otherwise that step is left out.";

const RENEW_HELP: &str = "\
EXAMPLES
  barid peer renew mirjaveh

  A peer sends its newer card over the link. What it says of the peer's own keys and
  addresses counts at once; what it grants beyond the card in force (an agency, an
  agency's key, FLASH) waits for you, and `barid peers` says so. Before you let it count,
  compare its fingerprint by telephone, as for a new peer.";

const ADD_HELP: &str = "\
Copies the card to peers/NAME.card beside the configuration and appends a [[peer]] table,
once somebody says yes. Under the name of a peer that is there already, a newer card of
the same node takes the place of the old one, if a key of the old one signed it.";

/// Runs the command.
pub(crate) async fn run(
    args: &PeerArgs,
    global: &Global,
    output: &mut Output,
) -> anyhow::Result<ExitCode> {
    match &args.action {
        Action::Add(args) => add::run(args, output)?,
        Action::Renew(args) => renew::run(args, global, output).await?,
        Action::List { config } => list(config, output)?,
        Action::Test(args) => examine::run(args, global, output).await?,
        Action::WriteOff(args) => write_off::run(args, global, output).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Somebody has compared the fingerprint, or nothing is changed.
fn agree(args: &Compared, card: &Card, output: &mut Output) -> anyhow::Result<()> {
    if let Some(compared) = args.fingerprint {
        if compared == card.fingerprint() {
            return Ok(());
        }
        bail!(
            "the card's fingerprint is {}, not {compared}; nothing was changed: do not use this card, and call the other node",
            card.fingerprint()
        );
    }
    if args.yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        let text = "nobody is there to ask; compare the fingerprint, then give it with --fingerprint, or --yes";
        return Err(WrongUse(text.to_owned()).into());
    }
    output.note("");
    output.note(
        "Have the other node's administrators read you the fingerprint, at a number that you",
    );
    output.note("know already. If all 32 digits agree, type yes:");
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).context("cannot read the answer")?;
    if answer.trim() == "yes" { Ok(()) } else { bail!("not added; nothing was changed") }
}

fn list(config: &Path, output: &mut Output) -> anyhow::Result<()> {
    let config = Config::load_with_expired_cards(config).context("cannot list the peers")?;
    if output.wants_json() {
        for peer in &config.peers {
            let card = &config.card_in_force(peer);
            output.json(&serde_json::json!({
                "name": peer.name.as_str(),
                "node": card.node().to_string(),
                "endpoint": card.endpoint().map(barid_link::tls::Endpoint::authority),
                "dials": peer.dials,
                "serial": card.serial(),
                "validUntil": card.valid_until().to_proto(),
                "expired": card.is_expired_at(clock::now()),
                "fingerprint": card.fingerprint().to_string(),
                "agencies": card.agencies().iter().map(|it| it.address.as_str()).collect::<Vec<_>>(),
                "file": peer.file,
            }))?;
        }
        return Ok(());
    }
    if config.peers.is_empty() {
        output.note(Line::default().text("no peers; see ").strong("barid peer add --help"));
        return Ok(());
    }
    let mut table =
        Table::new(["NAME", "NODE", "CALLED AT", "CARD UNTIL", "FINGERPRINT", "AGENCIES"]);
    for peer in &config.peers {
        let card = &config.card_in_force(peer);
        let ended = if card.is_expired_at(clock::now()) { " ENDED" } else { "" };
        let agencies: Vec<&str> = card.agencies().iter().map(|it| it.address.as_str()).collect();
        let called = card.endpoint().filter(|_| peer.dials);
        table
            .row()
            .text(peer.name.as_str())
            .text(card.node().to_string())
            .text(
                called.map_or_else(|| "it calls".to_owned(), barid_link::tls::Endpoint::authority),
            )
            .text(format!("{}{ended}", card.valid_until()))
            .text(card.fingerprint().to_string())
            .text(agencies.join(", "));
    }
    Ok(output.table(&table)?)
}
