//! `barid send`.

mod draft;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use barid_link::client::{AgencyClient, CallError, Receipt, Refusal, SubmitError};
use barid_message::address::Address;
use barid_message::id::MessageId;
use barid_message::key::SigningKey;
use barid_message::signed::SignedMessage;
use barid_proto::message::v1 as pb;
use clap::{Args, ValueEnum};

use crate::args::Global;
use crate::context::{self, WrongUse};
use crate::document::{self, Document, Form, Input, KindName};
use crate::durable;
use crate::output::{Line, Output};
use crate::words;

use draft::Desk;

const EXAMPLES: &str = "\
EXAMPLES
  barid message new note > note.json
  sed -i 's/<subject>/Gate 2/; s/<text>/Gate 2 closed./' note.json
  barid --as pk/customs send note.json --to pk/police --purpose border-operation
  barid --as pk/customs send alert.json --to pk/police --precedence flash \\
      --reason 'armed men at gate 2'
  echo '{\"text\":[{\"language\":\"en\",\"text\":\"Gate 2 closed.\"}]}' |
      barid --as pk/customs send - --kind note --to pk/police --purpose border-operation

TRYING AGAIN
  The id is printed before anything is sent. If you do not get a receipt, send the same
  file with --id ID: the node takes it once and gives the same receipt. Or keep the
  signed bytes with --save FILE, and send that file again.
  barid --as pk/customs send note.json --to pk/police --purpose border-operation \\
      --id 01a3185c-5000-7001-8000-000000000002
  barid --as pk/customs send note.json --to pk/police --purpose border-operation \\
      --save note.signed.json
  barid --as pk/customs send note.signed.json";

/// Sign and submit messages
///
/// Signs messages and submits them; prints the id, then the receipt. A message is proto3
/// JSON: {"header":{…},"note":{…}}, of whose header everything may be missing that
/// can be filled in: id, times, originator, agreement, languages, digest, signature.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SendArgs {
    /// Files, folders (their *.json in order of name), or - for stdin
    #[arg(required = true, value_name = "FILE|DIR|-")]
    inputs: Vec<String>,
    #[command(flatten)]
    desk: DeskArgs,
    /// The message's id, to try again: with the same file, options and key it is the
    /// same message. Its time becomes createdAt where the file has none
    #[arg(long, value_name = "UUID", value_parser = words::message_id)]
    id: Option<MessageId>,
    /// Keep the signed bytes before they are sent: in this file, or in this folder as
    /// ID.json
    #[arg(long, value_name = "PATH")]
    save: Option<PathBuf>,
    /// The input is a bare body of this kind, without {"header":…}
    #[arg(long, value_name = "KIND")]
    kind: Option<KindName>,
}

/// What the command line adds to a message.
#[derive(Args, Debug, Default)]
struct DeskArgs {
    /// A recipient who is to act, in place of a template's <cc/agency>. Repeatable
    #[arg(long, value_name = "ADDRESS")]
    to: Vec<Address>,
    /// A recipient who is to know, likewise. Repeatable
    #[arg(long, value_name = "ADDRESS")]
    info: Vec<Address>,
    /// Order of handling. Default: the file's, else routine
    #[arg(long, value_name = "LEVEL")]
    precedence: Option<PrecedenceName>,
    /// Why it is urgent; needed with flash
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// What it is sent for, e.g. border-operation. Repeatable
    #[arg(long = "purpose", value_name = "PURPOSE")]
    purposes: Vec<String>,
    /// The agreement to rely on, where more than one covers the message
    #[arg(long, value_name = "ID")]
    agreement: Option<String>,
    /// The thread it belongs to
    #[arg(long, value_name = "UUID", value_parser = words::message_id)]
    thread: Option<MessageId>,
}

/// Precedences, as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PrecedenceName {
    Flash,
    Immediate,
    Priority,
    Routine,
}

/// Why a message was not sent.
enum Failure {
    /// Of this message alone: go on with the next.
    Message(anyhow::Error),
    /// The node cannot be asked: the next would fare no better.
    Node(anyhow::Error),
}

/// Runs the command.
pub(crate) async fn run(
    args: &SendArgs,
    global: &Global,
    output: &mut Output,
) -> anyhow::Result<ExitCode> {
    let form = args.kind.map_or(Form::Message, Form::Body);
    let mut documents = Vec::new();
    for input in &args.inputs {
        documents.extend(document::read(&Input::from(input.as_str()), form)?);
    }
    let saves_one = args.save.as_ref().is_some_and(|path| !path.is_dir());
    if documents.len() > 1 && (args.id.is_some() || saves_one) {
        let several = format!(
            "{} messages, but --id and --save FILE are for one; --save takes a folder too",
            documents.len()
        );
        return Err(WrongUse(several).into());
    }
    let account = context::agency(global, output)?;
    let client = account.client()?;
    let mut sender = Sender {
        args,
        key: account.signing_key()?,
        desk: Desk::new(account.address.clone(), &args.desk)?,
        client,
    };
    let mut failed = 0;
    let count = documents.len();
    for (number, (name, document)) in documents.into_iter().enumerate() {
        let error = match sender.send(document, output).await {
            Ok(()) => continue,
            Err(Failure::Message(error)) if count > 1 && !output_failed(&error) => error,
            Err(Failure::Message(error)) => return Err(error),
            Err(Failure::Node(error)) => {
                let left = words::count(count - number, "message", "messages");
                return Err(error.context(format!("{left} not sent")));
            }
        };
        failed += 1;
        output.note(Line::default().bad("not sent ").text(format!("{name}: {error:#}")));
    }
    if failed > 0 {
        bail!("{failed} of {count} messages not sent; what was wrong stands above");
    }
    Ok(ExitCode::SUCCESS)
}

fn output_failed(error: &anyhow::Error) -> bool {
    error.is::<crate::output::OutputError>()
}

struct Sender<'a> {
    args: &'a SendArgs,
    client: AgencyClient,
    key: SigningKey,
    desk: Desk<'a>,
}

impl Sender<'_> {
    async fn send(&mut self, document: Document, output: &mut Output) -> Result<(), Failure> {
        let mut again = "send the same file again".to_owned();
        let (message, id) = match document {
            Document::Signed(message) => {
                let id = id_of(&message).map_err(Failure::Message)?;
                (message, id)
            }
            Document::Draft(header, body) => {
                if !self.desk.knows_agreements() && Desk::needs_agreement(&header) {
                    let info = self.client.node_info().await.context("cannot ask the node");
                    self.desk.learn(info.map_err(Failure::Node)?.agreements);
                }
                let composed = self.desk.compose(*header, *body, self.args.id, &self.key);
                let (message, id) = composed.map_err(Failure::Message)?;
                again = format!("send it again with --id {id}");
                (message, id)
            }
        };
        output.note(Line::default().faint("id ").text(&*id));
        if let Some(place) = &self.args.save {
            let file = save(place, &id, &message).map_err(Failure::Message)?;
            again = format!("send {} again", file.display());
        }
        match self.client.submit(message).await {
            Ok(receipt) => show(&receipt, output).map_err(Failure::Message),
            Err(error) => Err(Self::failure(&id, &again, error, output)),
        }
    }

    /// `again`: how the same message is sent again.
    fn failure(id: &str, again: &str, error: SubmitError, output: &mut Output) -> Failure {
        if let SubmitError::Call(CallError::Refused(refusal)) = &error
            && let Err(error) = show_refusal(id, refusal, output)
        {
            return Failure::Message(error);
        }
        // An earlier try of the same call may have reached the node.
        let doubt = matches!(
            &error,
            SubmitError::Call(CallError::Connect(_) | CallError::Interrupted | CallError::Deadline)
        );
        let error = anyhow::Error::from(error);
        if doubt {
            Failure::Node(error.context(format!("no receipt for {id} ({again}, which is safe)")))
        } else {
            Failure::Message(error.context(format!("cannot send {id}")))
        }
    }
}

/// The id in a signed message.
fn id_of(message: &pb::SignedMessage) -> anyhow::Result<String> {
    let signed = SignedMessage::from_proto(message.clone()).context("not a signed message")?;
    let identity = signed.proto_header().identity.as_ref();
    Ok(identity.map(|identity| identity.message_id.clone()).unwrap_or_default())
}

/// Keeps the signed message, and says where.
fn save(place: &Path, id: &str, message: &pb::SignedMessage) -> anyhow::Result<PathBuf> {
    let file = if place.is_dir() { place.join(format!("{id}.json")) } else { place.to_path_buf() };
    let mut text = serde_json::to_vec(message).context("cannot write the message as JSON")?;
    text.push(b'\n');
    durable::write(&file, &text)?;
    Ok(file)
}

fn show(receipt: &Receipt, output: &mut Output) -> anyhow::Result<()> {
    let statement = &receipt.statement;
    if output.wants_json() {
        return Ok(output.json(&serde_json::json!({
            "messageId": statement.message_id,
            "repeated": receipt.repeated,
            "statement": statement,
            "receipt": receipt.evidence,
        }))?);
    }
    let time = words::time(statement.time.as_ref());
    let repeated = if receipt.repeated { "  (accepted before)" } else { "" };
    Ok(output.line(
        Line::default()
            .good("accepted ")
            .text(&*statement.message_id)
            .text(format!("  {time}  {} #{}", statement.log_origin, statement.position))
            .faint(repeated),
    )?)
}

fn show_refusal(id: &str, refusal: &Refusal, output: &mut Output) -> anyhow::Result<()> {
    if output.wants_json() {
        let faults: Vec<_> = refusal
            .faults
            .iter()
            .map(|fault| {
                serde_json::json!({
                    "path": fault.path,
                    "reason": fault.reason,
                    "rule": fault.rule,
                    "description": fault.description,
                })
            })
            .collect();
        return Ok(output.json(&serde_json::json!({
            "messageId": id,
            "refusal": {"reason": refusal.reason, "message": refusal.message, "faults": faults},
        }))?);
    }
    for fault in refusal.faults.iter().filter(|_| refusal.faults.len() > 1) {
        let what = format!("{}: {}", fault.path, fault.description);
        output.note(Line::default().faint("  fault ").text(what));
    }
    Ok(())
}
