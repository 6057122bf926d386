//! `barid dead-letters`.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use barid_link::client::OperatorClient;
use barid_message::address::Address;
use barid_message::id::MessageId;
use barid_proto::operations::v1 as pb;
use clap::{Args, Subcommand};

use crate::args::Global;
use crate::context;
use crate::document;
use crate::output::{Line, Output, Table};
use crate::show;
use crate::words;

const EXAMPLES: &str = "\
EXAMPLES
  barid dead-letters list
  barid dead-letters show 01a3185c-5000-7001-8000-000000000002 --why 'police cannot read it'
  barid dead-letters retry 01a3185c-5000-7001-8000-000000000002 --why 'police mended it'
  barid dead-letters drop 01a3185c-5000-7001-8000-000000000002 --why 'sent by telex'

  A delivery becomes a dead letter when five tries have failed: its consumer gave it
  back, or never answered. It waits for an operator, or for its deadline.";

const SHOW_EXAMPLES: &str = "\
EXAMPLES
  barid dead-letters show 01a3185c-5000-7001-8000-000000000002 --why 'police cannot read it'";

const RETRY_EXAMPLES: &str = "\
EXAMPLES
  barid dead-letters retry 01a3185c-5000-7001-8000-000000000002 --why 'police mended it'
  barid dead-letters retry 01a3185c-5000-7001-8000-000000000002 --why 'police mended it' \\
      --inbox pk/police";

const DROP_EXAMPLES: &str = "\
EXAMPLES
  barid dead-letters drop 01a3185c-5000-7001-8000-000000000002 --why 'sent by telex' \\
      --inbox pk/police --origin pk/customs";

/// Entries of one page.
const PAGE: i32 = 500;

/// Look after deliveries whose tries have failed
///
/// Nothing is lost that became one: it can be tried again or ended, and is ended by its
/// deadline. Who does either, and why, is kept in the journal; `barid trace` shows it.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct DeadLettersArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List them, oldest first
    #[command(after_help = "EXAMPLES\n  barid dead-letters list --inbox pk/police")]
    List {
        /// Only of this inbox
        #[arg(long, value_name = "ADDRESS")]
        inbox: Option<Address>,
    },
    /// Show one with its message; that is kept in the journal
    #[command(after_help = SHOW_EXAMPLES)]
    Show {
        #[command(flatten)]
        which: Which,
        /// Why you read it, for the journal
        #[arg(long, value_name = "TEXT")]
        why: String,
    },
    /// Put one back into its inbox, with five new tries
    #[command(after_help = RETRY_EXAMPLES)]
    Retry {
        #[command(flatten)]
        which: Which,
        /// Why, for the journal
        #[arg(long, value_name = "TEXT")]
        why: String,
    },
    /// End one for good: its sender gets evidence NON_DELIVERED
    #[command(after_help = DROP_EXAMPLES)]
    Drop {
        #[command(flatten)]
        which: Which,
        /// Why, for the journal
        #[arg(long, value_name = "TEXT")]
        why: String,
    },
}

#[derive(Args, Debug)]
struct Which {
    /// The message
    #[arg(value_name = "ID", value_parser = words::message_id)]
    id: MessageId,
    /// The inbox, where the message is a dead letter in several
    #[arg(long, value_name = "ADDRESS")]
    inbox: Option<Address>,
    /// Who sent it, where several agencies use the id
    #[arg(long, value_name = "ADDRESS")]
    origin: Option<Address>,
}

/// Runs the command.
pub(crate) async fn run(
    args: &DeadLettersArgs,
    global: &Global,
    output: &mut Output,
) -> anyhow::Result<ExitCode> {
    let client = context::operator(global, output)?.client()?;
    match &args.action {
        Action::List { inbox } => list(&client, inbox.as_ref(), output).await?,
        Action::Show { which, why } => read(&client, which, why, output).await?,
        Action::Retry { which, why } => {
            let delivery = find(&client, which).await?;
            let to = delivery.recipient.clone();
            let request = pb::RetryDeadLetterRequest { delivery: Some(delivery), why: why.clone() };
            let answer = client.retry_dead_letter(request).await.context("cannot retry it")?;
            if output.wants_json() {
                output.json(&answer)?;
            }
            output.note(Line::default().good("retried ").text(format!("{} to {to}", which.id)));
        }
        Action::Drop { which, why } => {
            let delivery = find(&client, which).await?;
            let to = delivery.recipient.clone();
            let request = pb::DropDeadLetterRequest { delivery: Some(delivery), why: why.clone() };
            let answer = client.drop_dead_letter(request).await.context("cannot drop it")?;
            if output.wants_json() {
                output.json(&answer)?;
            }
            output.note(Line::default().caution("dropped ").text(format!("{} to {to}", which.id)));
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn all(
    client: &OperatorClient,
    inbox: Option<&Address>,
) -> anyhow::Result<Vec<pb::DeadLetter>> {
    let mut letters = Vec::new();
    let mut request = pb::ListDeadLettersRequest {
        inbox: inbox.map(Address::to_string).unwrap_or_default(),
        page_size: PAGE,
        page_token: String::new(),
    };
    loop {
        let page = client
            .list_dead_letters(request.clone())
            .await
            .context("cannot list the dead letters")?;
        letters.extend(page.dead_letters);
        if page.next_page_token.is_empty() {
            return Ok(letters);
        }
        request.page_token = page.next_page_token;
    }
}

async fn list(
    client: &OperatorClient,
    inbox: Option<&Address>,
    output: &mut Output,
) -> anyhow::Result<()> {
    let letters = all(client, inbox).await?;
    if output.wants_json() {
        for letter in &letters {
            output.json(letter)?;
        }
        return Ok(());
    }
    if letters.is_empty() {
        output.note(Line::default().good("no dead letters"));
        return Ok(());
    }
    let titles =
        ["SINCE", "PRECEDENCE", "KIND", "FROM", "INBOX", "MESSAGE", "TRIES", "REASON", "ENDS"];
    let mut table = Table::new(titles);
    for letter in &letters {
        let delivery = letter.delivery.clone().unwrap_or_default();
        table
            .row()
            .text(words::time(letter.since.as_ref()))
            .text(words::precedence(letter.precedence))
            .text(words::kind(letter.kind))
            .text(delivery.origin_agency)
            .text(delivery.recipient)
            .text(delivery.message_id)
            .number(u64::from(letter.tries))
            .text(words::reason(letter.reason))
            .text(words::time(letter.ends_at.as_ref()));
    }
    Ok(output.table(&table)?)
}

/// The one dead letter that is meant.
async fn find(client: &OperatorClient, which: &Which) -> anyhow::Result<pb::DeliveryName> {
    if let (Some(origin), Some(inbox)) = (&which.origin, &which.inbox) {
        return Ok(pb::DeliveryName {
            origin_agency: origin.to_string(),
            message_id: which.id.to_string(),
            recipient: inbox.to_string(),
        });
    }
    let letters = all(client, which.inbox.as_ref()).await?.into_iter();
    let meant = letters.filter_map(|letter| letter.delivery).filter(|delivery| {
        delivery.message_id == which.id.to_string()
            && which.origin.as_ref().is_none_or(|origin| origin.as_str() == delivery.origin_agency)
    });
    let mut meant: Vec<_> = meant.collect();
    match (meant.pop(), meant.is_empty()) {
        (Some(only), true) => Ok(only),
        (None, _) => bail!("{} is no dead letter; `barid dead-letters list` shows them", which.id),
        (Some(last), false) => {
            meant.push(last);
            let places: Vec<_> = meant
                .iter()
                .map(|delivery| format!("{} from {}", delivery.recipient, delivery.origin_agency))
                .collect();
            bail!(
                "{} is a dead letter in several places; say which with --inbox and --origin: {}",
                which.id,
                places.join(", ")
            )
        }
    }
}

async fn read(
    client: &OperatorClient,
    which: &Which,
    why: &str,
    output: &mut Output,
) -> anyhow::Result<()> {
    let request = pb::GetDeadLetterRequest {
        delivery: Some(find(client, which).await?),
        purpose: why.to_owned(),
    };
    let answer = client.get_dead_letter(request).await.context("cannot show it")?;
    if output.wants_json() {
        return Ok(output.json(&answer)?);
    }
    let letter = answer.dead_letter.unwrap_or_default();
    let delivery = letter.delivery.unwrap_or_default();
    show::entry("inbox", &delivery.recipient, output)?;
    show::entry("since", &words::time(letter.since.as_ref()), output)?;
    show::entry("reason", &words::reason(letter.reason), output)?;
    show::entry("tries", &letter.tries.to_string(), output)?;
    show::entry("ends", &words::time(letter.ends_at.as_ref()), output)?;
    output.line("")?;
    let message = answer.message.unwrap_or_default();
    let (signed, body) = document::open(&message).context("the message cannot be read")?;
    show::whole(signed.proto_header(), &body, output)
}
