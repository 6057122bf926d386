//! `barid peer add`: from a card in a file to a pinned one.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use barid_link::card::Card;
use barid_node::clock;
use barid_node::config::{Config, Peer};

use super::{AddArgs, agree};
use crate::commands::card;
use crate::durable;
use crate::output::{Line, Output};

/// Folder of cards, beside the configuration.
const FOLDER: &str = "peers";

/// What is to be done once somebody agrees.
struct Addition {
    /// Where the card goes.
    file: PathBuf,
    /// The configuration's new text; none where its table is there.
    config: Option<String>,
}

pub(super) fn run(args: &AddArgs, output: &mut Output) -> anyhow::Result<()> {
    let card = card::read(&args.card)?;
    // A link would be replaced by a file, and what it leads to left as it is.
    let path = fs::canonicalize(&args.config)
        .with_context(|| format!("cannot read {}", args.config.display()))?;
    let (config, addition) = prepare(args, &path, &card)?;
    if addition.is_none() {
        output.note(Line::default().good("pinned already: ").text(args.name.as_str()));
        return Ok(());
    }
    let pinned = config.peers.iter().find(|peer| peer.name == args.name);
    show(&card, &config, pinned, output)?;
    agree(&args.compared, &card, output)?;
    // Anew: somebody may have edited the configuration during the telephone call.
    let (_, Some(addition)) = prepare(args, &path, &card)? else {
        bail!("somebody else has pinned this card meanwhile; nothing was changed");
    };
    // A crash behind the card leaves a file that nothing names; the same command again
    // finds it and goes on.
    durable::public_folder(addition.file.parent().unwrap_or_else(|| Path::new(".")))?;
    durable::write_public(&addition.file, card.to_text().as_bytes())?;
    if let Some(text) = &addition.config {
        durable::replace(&path, text.as_bytes())?;
    }
    Config::load_with_expired_cards(&path).context("the configuration is wrong now")?;
    done(args, &addition, &card, output)
}

/// What is to be done; none where the card is pinned under this name.
fn prepare(args: &AddArgs, path: &Path, card: &Card) -> anyhow::Result<(Config, Option<Addition>)> {
    let cannot = || format!("cannot add {}", args.card.display());
    let config = Config::load_with_expired_cards(path).with_context(cannot)?;
    config.admits(&args.name, card, clock::now()).with_context(cannot)?;
    let pinned = config.peers.iter().find(|peer| peer.name == args.name);
    if pinned.is_some_and(|peer| peer.card == *card) {
        return Ok((config, None));
    }
    let addition = addition(args, path, &config, pinned, card).with_context(cannot)?;
    Ok((config, Some(addition)))
}

/// Refuses what would overwrite a card that this one does not succeed.
fn addition(
    args: &AddArgs,
    path: &Path,
    config: &Config,
    pinned: Option<&Peer>,
    card: &Card,
) -> anyhow::Result<Addition> {
    if let Some(peer) = pinned {
        if config.card_in_force(peer) != *card {
            config.card_in_force(peer).successor(card)?;
        }
        return Ok(Addition { file: peer.file.clone(), config: None });
    }
    let relative = format!("{FOLDER}/{}.card", args.name);
    let file = path.with_file_name(&relative);
    if file.exists() {
        let there = card::read(&file).context("a file is in the way; move it")?;
        if there != *card {
            let why = || {
                format!(
                    "{} is there, which the configuration does not name; move it",
                    file.display()
                )
            };
            there.successor(card).with_context(why)?;
        }
    }
    let before =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let end = if before.ends_with('\n') { "" } else { "\n" };
    let table = format!("{end}\n[[peer]]\nname = \"{}\"\ncard = \"{relative}\"\n", args.name);
    let text = format!("{before}{table}");
    // Fails where peers are written as `peer = […]`.
    text.parse::<toml::Table>()
        .context("a [[peer]] table cannot be appended to this configuration; write it by hand")?;
    Ok(Addition { file, config: Some(text) })
}

/// What is granted, and what deserves a second look.
fn show(
    card: &Card,
    config: &Config,
    pinned: Option<&Peer>,
    output: &mut Output,
) -> anyhow::Result<()> {
    if !output.wants_json() {
        card::essentials(card, output)?;
        card::granted(card, output)?;
    }
    let own: Vec<_> = config.agencies.iter().map(|agency| agency.address.country()).collect();
    for agency in card.agencies() {
        let address = agency.address.as_str();
        if own.contains(&agency.address.country()) {
            let text = format!("{address} is of a country whose agencies this node hosts");
            output.note(Line::default().caution("look twice: ").text(text));
        }
        let known = |peer: &Peer| {
            let mut known = peer.card.agencies().iter();
            known.any(|known| known.address == agency.address)
        };
        if pinned.is_some_and(|peer| !known(peer)) {
            let text = format!("{address} was not on the card before");
            output.note(Line::default().caution("look twice: ").text(text));
        }
    }
    Ok(())
}

fn done(
    args: &AddArgs,
    addition: &Addition,
    card: &Card,
    output: &mut Output,
) -> anyhow::Result<()> {
    if output.wants_json() {
        output.json(&serde_json::json!({
            "name": args.name.as_str(),
            "node": card.node().to_string(),
            "fingerprint": card.fingerprint().to_string(),
            "file": addition.file,
            "config": args.config,
            "replaced": addition.config.is_none(),
        }))?;
    }
    let what = if addition.config.is_some() { "added " } else { "renewed " };
    let where_to = format!("{}: {}", args.name, addition.file.display());
    output.note(Line::default().good(what).text(where_to));
    output
        .note("Restart the node to take it up. Messages pass once an agreement names both sides.");
    let test = format!("barid peer test {} --config {}", args.name, args.config.display());
    output.note(Line::default().text("What of the link works, says  ").strong(test));
    Ok(())
}
