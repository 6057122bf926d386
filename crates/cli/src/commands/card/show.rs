//! A card for people and for programs.

use barid_link::card::Card;
use barid_message::digest::Digest;
use barid_message::registry::RegisteredKey;
use barid_node::clock;

use crate::output::{Line, Output, OutputError, Table};
use crate::show::entry;

/// Everything that is on a card.
pub(super) fn whole(card: &Card, output: &mut Output) -> anyhow::Result<()> {
    if output.wants_json() {
        return Ok(output.json(&as_json(card))?);
    }
    essentials(card, output)?;
    entry("serial", &card.serial().to_string(), output)?;
    entry("issued", &card.issued_at().to_string(), output)?;
    entry("CA", &format!("SHA-256 {}", Digest::of(card.ca_certificate())), output)?;
    for key in card.tls_keys() {
        entry("TLS key", &format!("SHA-256 {key}"), output)?;
    }
    for (title, keys) in [("log key", card.log_keys()), ("witness key", card.witness_keys())] {
        for key in keys {
            entry(title, &key.key.keyid().to_string(), output)?;
        }
    }
    entry("signed by", &card.signer().keyid().to_string(), output)?;
    output.line("")?;
    output.table(&keys(card, card.evidence_keys()))?;
    fingerprint(card, output)?;
    Ok(())
}

/// Who a card is of, and until when.
pub(crate) fn essentials(card: &Card, output: &mut Output) -> Result<(), OutputError> {
    entry("node", &card.node().to_string(), output)?;
    entry("name", card.name(), output)?;
    let ended = if card.is_expired_at(clock::now()) { " (has ended)" } else { "" };
    entry("until", &format!("{}{ended}", card.valid_until()), output)?;
    match card.endpoint() {
        Some(endpoint) => {
            let by = format!("{} as {}", endpoint.authority(), card.server_name());
            entry("endpoint", &by, output)?;
        }
        None => entry("endpoint", "none: it only calls", output)?,
    }
    let contact = card.contact();
    for (title, value) in
        [("contact", &contact.role), ("telephone", &contact.telephone), ("email", &contact.email)]
    {
        if !value.is_empty() {
            entry(title, value, output)?;
        }
    }
    Ok(())
}

/// What a card lets its node do: speak for agencies, by these keys.
pub(crate) fn granted(card: &Card, output: &mut Output) -> Result<(), OutputError> {
    output.line("")?;
    output.table(&keys(card, &[]))?;
    fingerprint(card, output)
}

fn fingerprint(card: &Card, output: &mut Output) -> Result<(), OutputError> {
    output.line("")?;
    let digits = card.fingerprint().to_string();
    output.line(Line::default().faint("fingerprint  ").strong(digits))
}

/// One row a key; an agency without keys has one row too.
fn keys(card: &Card, of_the_node: &[RegisteredKey]) -> Table {
    let mut table = Table::new(["SPEAKS FOR", "FLASH", "KEY", "ALGORITHM", "FROM", "UNTIL"]);
    let mut add = |owner: &str, flash: &str, keys: &[RegisteredKey]| {
        if keys.is_empty() {
            let none = "none of its own";
            table.row().text(owner).text(flash).text(none).text("").text("").text("");
        }
        for RegisteredKey { key, valid_from, valid_until } in keys {
            let until = valid_until.map_or_else(|| "no end".to_owned(), |end| end.to_string());
            table
                .row()
                .text(owner)
                .text(flash)
                .text(key.keyid().to_string())
                .text(key.algorithm().to_string())
                .text(valid_from.to_string())
                .text(until);
        }
    };
    for agency in card.agencies() {
        let flash = if agency.may_flash { "yes" } else { "no" };
        add(agency.address.as_str(), flash, &agency.keys);
    }
    if !of_the_node.is_empty() {
        add("the node: evidence, cards", "", of_the_node);
    }
    table
}

/// For programs: the fingerprint, what was signed, and the file to keep.
pub(crate) fn as_json(card: &Card) -> serde_json::Value {
    serde_json::json!({
        "fingerprint": card.fingerprint().to_string(),
        "signedBy": card.signer().keyid().to_string(),
        "expired": card.is_expired_at(clock::now()),
        "card": card.content(),
        "file": card.to_text(),
    })
}
