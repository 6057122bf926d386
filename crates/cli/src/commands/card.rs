//! `barid card`: what a node says of itself to another one.

mod show;

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use barid_link::caps;
use barid_link::card::{Card, Contact};
use barid_link::tls::Endpoint;
use barid_node::card::{self as node_card, NextKeys, Wishes};
use barid_node::clock;
use barid_node::config::{Config, OWN_CARD};
use clap::{Args, Subcommand};

use crate::durable;
use crate::output::{Line, Output};

pub(crate) use show::{essentials, granted};

const EXAMPLES: &str = "\
EXAMPLES
  barid card export --config barid/node/node.toml -o torkham.card
  barid card export --config barid/node/node.toml --endpoint node.torkham.example:7403 \\
      --contact-role 'duty officer' --contact-telephone '+92 51 000 0000' > torkham.card
  barid card show mirjaveh.card

  Two nodes join in three steps: each exports its card and sends it to the other, by any
  way; two people who know each other's voice compare the fingerprints by telephone; each
  runs `barid peer add` with the other's card.";

/// Make this node's card for other nodes, and read theirs
///
/// A card says who a node is, where it can be called, for which agencies it speaks and
/// with which keys. It holds nothing secret, and is signed with the node's evidence key.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct CardArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make and sign this node's card from its configuration
    #[command(after_help = EXPORT_HELP)]
    Export(ExportArgs),
    /// Show everything that is on a card, and its fingerprint
    #[command(after_help = SHOW_HELP)]
    Show {
        /// The card
        file: PathBuf,
    },
}

#[derive(Args, Debug)]
struct ExportArgs {
    /// The node's configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Where to write the card. Default: stdout
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Where other nodes reach this one. Default: listen.federation
    #[arg(long, value_name = "HOST:PORT", value_parser = endpoint)]
    endpoint: Option<Endpoint>,
    /// Whom to call when machines disagree: a role, not a person
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    contact_role: String,
    /// At which number
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    contact_telephone: String,
    /// Where to write to
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    contact_email: String,
    /// The certificate that will be under [tls] next, so that peers know its key by then
    #[arg(long, value_name = "FILE")]
    next_certificate: Option<PathBuf>,
    /// The key that will be under [evidence] next
    #[arg(long, value_name = "FILE")]
    next_evidence_key: Option<PathBuf>,
    /// How long the card may be used
    #[arg(long, value_name = "DAYS", default_value_t = 365,
        value_parser = clap::value_parser!(u32).range(1..=3650))]
    valid_days: u32,
}

const EXPORT_HELP: &str = "\
Export it again when agencies, keys, certificates or addresses change, and before it ends.
It is kept as node.card beside the configuration, too: from its next start on the node
sends it to peers that hold an older one. They take it up by themselves, unless it grants
more (an agency, an agency's key, FLASH): then their operator compares its fingerprint and
lets it count with `barid peer renew`.

To change the node's own keys without a break: export with --next-certificate and
--next-evidence-key, restart, wait until `barid peers` shows that all hold the new card;
then put the new keys into the configuration, export again, restart.";

const SHOW_HELP: &str = "\
The fingerprint is SHA-256 of the signed bytes of the card, as a number, modulo 10^32.
Whoever changes one letter of a card changes it.";

/// Runs the command.
pub(crate) fn run(args: &CardArgs, output: &mut Output) -> anyhow::Result<ExitCode> {
    match &args.action {
        Action::Export(args) => export(args, output)?,
        Action::Show { file } => show::whole(&read(file)?, output)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn endpoint(text: &str) -> Result<Endpoint, String> {
    let wrong = |_| "write HOST:PORT, for example node.torkham.example:7403".to_owned();
    format!("https://{text}").parse().map_err(wrong)
}

/// Reads a card from a file.
pub(crate) fn read(file: &Path) -> anyhow::Result<Card> {
    let limit = u64::try_from(caps::CARD_TEXT_BYTES).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    File::open(file)
        .and_then(|opened| opened.take(limit.saturating_add(1)).read_to_end(&mut bytes))
        .with_context(|| format!("cannot read {}", file.display()))?;
    // What is not text is no card either.
    Card::from_text(&String::from_utf8_lossy(&bytes))
        .with_context(|| format!("cannot use {}", file.display()))
}

fn export(args: &ExportArgs, output: &mut Output) -> anyhow::Result<()> {
    // That a neighbour's card has ended does not keep this node from sending its own.
    let config = Config::load_with_expired_cards(&args.config).context("cannot make a card")?;
    let wishes = Wishes {
        endpoint: args.endpoint.clone(),
        contact: Contact {
            role: args.contact_role.clone(),
            telephone: args.contact_telephone.clone(),
            email: args.contact_email.clone(),
        },
        validity: Duration::from_secs(u64::from(args.valid_days) * 24 * 60 * 60),
        next: NextKeys {
            certificate: args.next_certificate.clone(),
            evidence: args.next_evidence_key.clone(),
        },
    };
    let card = node_card::own(&config, wishes, clock::now()).context("cannot make a card")?;
    if let Some(file) = &args.output {
        durable::write_public(file, card.to_text().as_bytes())?;
    }
    let kept = args.config.with_file_name(OWN_CARD);
    if let Err(error) = durable::write_public(&kept, card.to_text().as_bytes()) {
        let text =
            format!("not kept beside the configuration, so peers are not sent it: {error:#}");
        output.note(Line::default().caution(text));
    }
    if output.wants_json() {
        output.json(&show::as_json(&card))?;
    } else if args.output.is_none() {
        for line in card.to_text().lines() {
            output.line(line)?;
        }
    }
    next(args, &card, output);
    Ok(())
}

/// What to do with it.
fn next(args: &ExportArgs, card: &Card, output: &mut Output) {
    let file =
        args.output.as_ref().map_or_else(|| "FILE".to_owned(), |file| file.display().to_string());
    output.note(format!("card of {} until {}", card.node(), card.valid_until()));
    output.note(Line::default().text("fingerprint ").strong(card.fingerprint().to_string()));
    match card.endpoint() {
        None => output.note(Line::default().caution(
            "it names no endpoint: nobody can call this node. Set listen.federation, or give --endpoint",
        )),
        Some(endpoint) if is_loopback(endpoint) => output.note(Line::default().caution(
            "its endpoint can be called from this machine alone; for others give --endpoint",
        )),
        Some(_) => {}
    }
    output.note("Send the file to the other node, by any way. Then call its administrators at a");
    output.note("number that you know already, and have them read you the fingerprint that");
    output.note(format!("`barid card show {file}` shows there. Only where all 32 digits agree:"));
    let command = format!("barid peer add {file} --name {} --config node.toml", card.name());
    output.note(Line::default().text("  ").strong(command));
}

fn is_loopback(endpoint: &Endpoint) -> bool {
    let host = endpoint.host();
    host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}
