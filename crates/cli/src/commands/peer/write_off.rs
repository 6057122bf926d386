//! `barid peer write-off`.

use anyhow::Context as _;
use barid_link::client::OperatorClient;
use barid_proto::operations::v1 as pb;
use clap::{Args, value_parser};

use crate::args::Global;
use crate::context;
use crate::output::{Line, Output};
use crate::words;

pub(super) const HELP: &str = "\
EXAMPLES
  barid --as operator/amina peer write-off mirjaveh --why 'burned down; no copy of its disk'
  barid --as operator/reza peer write-off mirjaveh --confirm 81207
  barid peer write-off mirjaveh --withdraw 81207

  It takes two operators with keys of their own: `barid init` makes one for each
  --operator NAME.

  Every delivery to that node that is open when the second operator confirms ends as
  NON_DELIVERED with WRITTEN_OFF, and its sender is told. New messages are taken as before:
  to stop that too, take the node out of the configuration. Should it come back, it is
  given nothing of what was written off. What it had handed over all the same is told as
  CONTRADICTION; the end stands.";

#[derive(Args, Debug)]
pub(super) struct WriteOffArgs {
    /// What it is called here; its identity, where it is not in the configuration any more
    name: String,
    #[command(flatten)]
    step: Step,
}

#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct Step {
    /// Propose it, and say why, for the journal and for whoever confirms
    #[arg(long, value_name = "TEXT")]
    why: Option<String>,
    /// Confirm the proposal of another operator, within 24 hours. This cannot be undone
    #[arg(long, value_name = "NUMBER", value_parser = value_parser!(u64))]
    confirm: Option<u64>,
    /// Withdraw a proposal
    #[arg(long, value_name = "NUMBER", value_parser = value_parser!(u64))]
    withdraw: Option<u64>,
}

pub(super) async fn run(
    args: &WriteOffArgs,
    global: &Global,
    output: &mut Output,
) -> anyhow::Result<()> {
    let client = context::operator(global, output)?.client()?;
    let peer = args.name.clone();
    match &args.step {
        Step { confirm: Some(id), .. } => {
            let request = pb::ConfirmWriteOffRequest { peer, id: *id };
            let answer = client.confirm_write_off(request).await.context("cannot confirm it")?;
            if output.wants_json() {
                output.json(&answer)?;
            }
            let text = format!("{}: {}", args.name, deliveries(answer.deliveries));
            output.note(Line::default().caution("written off ").text(text));
        }
        Step { withdraw: Some(id), .. } => {
            let request = pb::WithdrawWriteOffRequest { peer, id: *id };
            let answer = client.withdraw_write_off(request).await.context("cannot withdraw it")?;
            if output.wants_json() {
                output.json(&answer)?;
            }
            output.note(Line::default().good("withdrawn ").text(id.to_string()));
        }
        Step { why, .. } => propose(&client, peer, why.clone().unwrap_or_default(), output).await?,
    }
    Ok(())
}

async fn propose(
    client: &OperatorClient,
    peer: String,
    why: String,
    output: &mut Output,
) -> anyhow::Result<()> {
    let request = pb::ProposeWriteOffRequest { peer, why };
    let answer = client.propose_write_off(request).await.context("cannot propose it")?;
    if output.wants_json() {
        output.json(&answer)?;
    }
    let proposal = answer.write_off.unwrap_or_default();
    output.note(waiting(&proposal));
    Ok(())
}

/// A proposal, and what to do about it.
pub(in crate::commands) fn waiting(proposal: &pb::WriteOff) -> Line {
    let pb::WriteOff { id, peer, .. } = proposal;
    let text = format!(
        "{peer} ({}): {}, says {}; until {} another operator may `barid peer write-off {peer} \
         --confirm {id}`",
        deliveries(proposal.outstanding),
        proposal.why,
        proposal.proposed_by,
        words::time(proposal.expires_at.as_ref()),
    );
    Line::default().caution("proposed to write off ").text(text)
}

fn deliveries(count: u64) -> String {
    words::count(usize::try_from(count).unwrap_or(usize::MAX), "delivery", "deliveries")
}
