//! `barid init`.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use barid_link::identity::TrustDomain;
use barid_message::address::Address;
use barid_message::key::SigningKey;
use barid_node::clock;
use barid_node::config::{Config, NodeName};
use barid_node::init::{self, Created, InitError, Plan};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;

use crate::context::{self, WrongUse};
use crate::durable;
use crate::output::{Line, Output, Table};

const EXAMPLES: &str = "\
EXAMPLES
  barid init barid --node torkham --agency pk/customs --agency pk/police
  barid init /srv/barid --node torkham --agency pk/customs \\
      --exchange 10.1.0.5:7401 --federation 10.1.0.5:7403 --dns node.torkham.example \\
      --operator admin --operator night-desk

  Then give each folder to its holder: agencies/… to the agencies, operators/… to the
  operators; take ca/ offline; node/ stays.";

/// Make keys, certificates and configuration for a node and its agencies
///
/// Makes a folder with a small CA, the node's keys and commented configuration, one
/// folder for each agency with its keys and client.toml, one for each operator, and
/// context.toml, by which `barid --as ADDRESS …` finds them. Nothing is overwritten.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct InitArgs {
    /// The folder to make; must not exist, or be empty
    dir: PathBuf,
    /// Name of the node, for people: a-z, 0-9 and inner hyphens
    #[arg(long, value_name = "NAME")]
    node: NodeName,
    /// What all identities and the log are named after, for good. No two nodes that are
    /// to be linked may share one. Default: NODE.barid
    #[arg(long, value_name = "TD")]
    trust_domain: Option<TrustDomain>,
    /// An agency or unit to host, e.g. pk/customs or pk/customs/torkham. Repeatable
    #[arg(long = "agency", value_name = "ADDRESS", required = true)]
    agencies: Vec<Address>,
    /// An operator. Repeatable. Default: admin
    #[arg(long = "operator", value_name = "NAME")]
    operators: Vec<String>,
    /// Where the node listens for agency systems. Default: 127.0.0.1:7401
    #[arg(long, value_name = "IP:PORT")]
    exchange: Option<SocketAddr>,
    /// Where the node listens for operators. Default: 127.0.0.1:7402
    #[arg(long, value_name = "IP:PORT")]
    operations: Option<SocketAddr>,
    /// Where the node listens for other nodes. Default: 127.0.0.1:7403
    #[arg(long, value_name = "IP:PORT")]
    federation: Option<SocketAddr>,
    /// A DNS name of the node; clients expect the first. Repeatable. Default: localhost
    #[arg(long = "dns", value_name = "NAME")]
    dns_names: Vec<String>,
}

/// Runs the command.
pub(crate) fn run(args: &InitArgs, output: &mut Output) -> anyhow::Result<ExitCode> {
    let made = init::create(&plan(args)?).map_err(refused)?;
    let context = write_context(&args.dir, &made)?;
    if output.wants_json() {
        output.json(&as_json(&made, &context))?;
    } else {
        output.table(&as_table(&made, &context))?;
    }
    next(args, &made, output);
    Ok(ExitCode::SUCCESS)
}

/// A plan that cannot be meant is wrong use; the rest failed.
fn refused(error: InitError) -> anyhow::Error {
    let said = format!("cannot init: {error}");
    if error.is_of_the_plan() { WrongUse(said).into() } else { anyhow::Error::msg(said) }
}

fn plan(args: &InitArgs) -> anyhow::Result<Plan> {
    let trust_domain = match &args.trust_domain {
        Some(trust_domain) => trust_domain.clone(),
        None => format!("{}.barid", args.node)
            .parse()
            .context("the node's name makes no trust domain; give one with --trust-domain")?,
    };
    let mut plan = Plan::new(
        args.dir.clone(),
        args.node.clone(),
        trust_domain,
        args.agencies.clone(),
        clock::now(),
    );
    if !args.operators.is_empty() {
        plan.operators.clone_from(&args.operators);
    }
    if !args.dns_names.is_empty() {
        plan.dns_names.clone_from(&args.dns_names);
    }
    plan.exchange = args.exchange.unwrap_or(plan.exchange);
    plan.operations = args.operations.unwrap_or(plan.operations);
    plan.federation = args.federation.or(plan.federation);
    Ok(plan)
}

/// Writes the context file of what was made in a folder.
pub(crate) fn write_context(dir: &Path, made: &Created) -> anyhow::Result<PathBuf> {
    let context = dir.join(context::FILE_NAME);
    durable::write(&context, context_text(dir, made)?.as_bytes())?;
    Ok(context)
}

/// The context file. The evidence key stands in it, so that receipts are checked
/// against the key that was made here and not against one that somebody names later.
fn context_text(dir: &Path, made: &Created) -> anyhow::Result<String> {
    let config = Config::load(&made.config).context("cannot read back what was made")?;
    let pem =
        fs::read_to_string(&config.evidence.key).context("cannot read back the evidence key")?;
    let key = SigningKey::from_pem(&pem).context("cannot read back the evidence key")?;
    let mut text = format!(
        "# Where `barid` finds as whom it may call: `barid --context DIR --as ADDRESS …`, or\n\
         # without --context from this folder and the one above it. Paths are relative to\n\
         # this file.\n\
         node = \"spiffe://{}/node\"\n\
         # What the node signs evidence with: base64 of the public keys. Add a new key when\n\
         # the node gets one; keep the old ones, they verify old evidence.\n\
         evidence_keys = [\"{}\"]\n\n[agencies]\n",
        config.node.trust_domain,
        STANDARD.encode(key.public().spki()),
    );
    for (address, path) in &made.clients {
        let path = relative(path, dir);
        writeln!(text, "\"{address}\" = \"{}\"", path.display())?;
    }
    text.push_str("\n[operators]\n");
    for (name, path) in &made.operators {
        let path = relative(path, dir);
        writeln!(text, "\"{name}\" = \"{}\"", path.display())?;
    }
    Ok(text)
}

fn relative<'a>(path: &'a Path, folder: &Path) -> &'a Path {
    path.strip_prefix(folder).unwrap_or(path)
}

fn as_table(made: &Created, context: &Path) -> Table {
    let mut table = Table::new(["MADE", "FOR", "FILE"]);
    let shown = |path: &Path| path.display().to_string();
    table.row().text("node").text("barid serve").text(shown(&made.config));
    for (address, path) in &made.clients {
        table.row().text("agency").text(address.as_str()).text(shown(path));
    }
    for (name, path) in &made.operators {
        table.row().text("operator").text(name).text(shown(path));
    }
    table.row().text("context").text("--context, --as").text(shown(context));
    table.row().text("ca").text("take it offline").text(shown(&made.ca));
    table
}

fn as_json(made: &Created, context: &Path) -> serde_json::Value {
    let clients = made.clients.iter();
    let operators = made.operators.iter();
    serde_json::json!({
        "config": made.config,
        "context": context,
        "ca": made.ca,
        "clients": clients
            .map(|(address, path)| (address.to_string(), path.display().to_string()))
            .collect::<std::collections::BTreeMap<_, _>>(),
        "operators": operators
            .map(|(name, path)| (name.clone(), path.display().to_string()))
            .collect::<std::collections::BTreeMap<_, _>>(),
    })
}

/// The three commands to type now.
fn next(args: &InitArgs, made: &Created, output: &mut Output) {
    let here = Path::new("barid") == args.dir || Path::new("./barid") == args.dir;
    let context = if here { String::new() } else { format!("--context {} ", args.dir.display()) };
    let config = made.config.display();
    let sender = made.clients.first().map_or("pk/customs", |(address, _)| address.as_str());
    output.note("");
    output.note("Next, in three terminals:");
    for command in [
        format!("barid serve --config {config}"),
        format!("barid {context}tail --follow"),
        format!("barid {context}--as {sender} receive --follow"),
    ] {
        output.note(Line::default().text("  ").strong(command));
    }
    output.note("Then write a message with `barid message new note`, and `barid send --help`.");
}
