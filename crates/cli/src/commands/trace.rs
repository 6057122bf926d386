//! `barid trace`.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use barid_audit::evidence;
use barid_link::client::{CallError, OperatorClient};
use barid_message::id::MessageId;
use barid_message::key::PublicKey;
use barid_message::time::Millis;
use barid_proto::audit::v1::{Evidence, SignedEvidence};
use barid_proto::operations::v1 as pb;
use clap::Args;
use prost::Message as _;

use crate::args::Global;
use crate::context;
use crate::output::{Line, Output, Table};
use crate::words;

const EXAMPLES: &str = "\
EXAMPLES
  barid trace 01a3185c-5000-7001-8000-000000000002
  barid trace 01a3185c-5000-7001-8000-000000000002 --why 'complaint 17/2027' --json

  EVIDENCE says whether the node's signed statement about an event verifies with the
  keys in operator.toml, else those in context.toml; where neither has one, it is
  `unchecked`.";

/// Tell the story of one message
///
/// Prints every event: when, how long after the one before, who caused it, and whether
/// the node's evidence for it holds.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TraceArgs {
    /// The message
    #[arg(value_name = "ID", value_parser = words::message_id)]
    id: MessageId,
    /// Why you look, for the journal
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    why: String,
}

/// Whether the evidence of an event holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proof {
    Verified,
    Unchecked,
    Wrong,
}

/// Runs the command.
pub(crate) async fn run(
    args: &TraceArgs,
    global: &Global,
    output: &mut Output,
) -> anyhow::Result<ExitCode> {
    let account = context::operator(global, output)?;
    let answer = all_pages(args, &account.client()?)
        .await
        .with_context(|| format!("cannot trace {}", args.id))?;
    if answer.events.is_empty() {
        bail!("no message of that id here: {}; `barid log` shows those there are", args.id);
    }
    let proofs = proofs(&answer.evidence, &account.evidence_keys);
    if output.wants_json() {
        output.json(&answer)?;
    } else {
        head(&answer, output)?;
        output.table(&story(&answer.events, &proofs))?;
    }
    if proofs.values().any(|proof| *proof == Proof::Wrong) {
        bail!("some evidence does not verify; compare the node's key with those in operator.toml");
    }
    Ok(ExitCode::SUCCESS)
}

/// The whole story, which the node tells in pages.
async fn all_pages(
    args: &TraceArgs,
    client: &OperatorClient,
) -> Result<pb::TraceMessageResponse, CallError> {
    let mut request = pb::TraceMessageRequest {
        message_id: args.id.to_string(),
        purpose: args.why.clone(),
        page_token: String::new(),
    };
    let mut story = pb::TraceMessageResponse::default();
    loop {
        let page = client.trace_message(request.clone()).await?;
        story.events.extend(page.events);
        story.evidence.extend(page.evidence);
        if page.next_page_token.is_empty() {
            return Ok(story);
        }
        request.page_token = page.next_page_token;
    }
}

/// By position and index, whether the evidence of an event holds.
fn proofs(signed: &[SignedEvidence], keys: &[PublicKey]) -> HashMap<(u64, u32), Proof> {
    let mut proofs = HashMap::new();
    for signed in signed {
        let Ok(statement) = Evidence::decode(signed.evidence.clone()) else {
            continue;
        };
        let proof = match evidence::verify(signed, keys) {
            _ if keys.is_empty() => Proof::Unchecked,
            Ok(_) => Proof::Verified,
            Err(_) => Proof::Wrong,
        };
        proofs.insert((statement.position, statement.index), proof);
    }
    proofs
}

fn head(answer: &pb::TraceMessageResponse, output: &mut Output) -> anyhow::Result<()> {
    if let Some(first) = answer.events.first() {
        output.line(
            Line::default()
                .strong(format!(
                    "{} {} ",
                    words::precedence(first.precedence),
                    words::kind(first.kind)
                ))
                .text(&*first.message_id)
                .text(" from ")
                .text(&*first.origin_agency),
        )?;
    }
    Ok(())
}

fn story(events: &[pb::EventRecord], proofs: &HashMap<(u64, u32), Proof>) -> Table {
    let titles = ["TIME", "AFTER", "EVENT", "TO", "BY", "TRY", "REASON", "FINAL", "EVIDENCE"];
    let mut table = Table::new(titles);
    let mut before: Option<Millis> = None;
    for event in events {
        let time = event.time.and_then(|time| Millis::from_proto(&time).ok());
        let after = match (before, time) {
            (Some(before), Some(time)) => format!("+{}", words::span(time.since(before))),
            _ => String::new(),
        };
        before = time.or(before);
        let proof = match proofs.get(&(event.position, event.index)) {
            Some(Proof::Verified) => "verified",
            Some(Proof::Unchecked) => "unchecked",
            Some(Proof::Wrong) => "WRONG",
            None => "",
        };
        let tries = if event.tries == 0 { String::new() } else { event.tries.to_string() };
        table
            .row()
            .text(words::time(event.time.as_ref()))
            .text(after)
            .text(words::event(event.event))
            .text(&*event.recipient)
            .text(actor(event))
            .text(tries)
            .text(words::reason_and_why(event.reason, &event.why))
            .text(if event.is_final { "final" } else { "" })
            .text(proof);
    }
    table
}

/// Who caused it: an identity without its scheme, or the node.
fn actor(event: &pb::EventRecord) -> &str {
    match event.actor.strip_prefix("spiffe://") {
        Some(identity) => identity,
        None if event.actor.is_empty() => "node",
        None => &event.actor,
    }
}
