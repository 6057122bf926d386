//! One message's whole story, as all nodes together tell it.

use anyhow::Context as _;
use barid_message::time::Millis;
use barid_proto::operations::v1 as pb;

use super::ledger::Key;
use super::stage::Site;
use crate::output::Table;
use crate::words;

/// Asks every node what it knows of a message, and puts it in order of time.
pub(super) async fn tale(sites: &[Site], key: &Key) -> anyhow::Result<Table> {
    let mut events = Vec::new();
    for site in sites {
        let request = pb::TraceMessageRequest {
            message_id: key.id.to_string(),
            purpose: "demo".to_owned(),
            page_token: String::new(),
        };
        let story = site.operator.client()?.trace_message(request).await;
        let story = story.context("cannot ask a node for a message's story")?;
        events.extend(story.events.into_iter().map(|event| (site.country, event)));
    }
    let time = |event: &pb::EventRecord| {
        event.time.and_then(|time| Millis::from_proto(&time).ok()).unwrap_or(Millis(0))
    };
    events.sort_by_key(|(_, event)| time(event));
    let begun = events.first().map_or(Millis(0), |(_, event)| time(event));
    let mut table = Table::new(["AFTER", "NODE", "EVENT", "TO", "REASON", "FINAL"]);
    for (country, event) in &events {
        table
            .row()
            .text(words::span(time(event).since(begun)))
            .text(*country)
            .text(words::event(event.event))
            .text(&*event.recipient)
            .text(words::reason(event.reason))
            .text(if event.is_final { "final" } else { "" });
    }
    Ok(table)
}
