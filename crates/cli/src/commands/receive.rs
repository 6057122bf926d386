//! `barid receive`.

mod keep;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use barid_audit::evidence;
use barid_link::client::{AgencyClient, AnswerError, HandOut, ReceiveOptions, Receiver};
use barid_message::Reason;
use barid_message::address::Address;
use barid_message::header::Status;
use barid_message::key::PublicKey;
use barid_proto::audit::v1::SignedEvidence;
use barid_proto::exchange::v1::Standing;
use barid_proto::message::v1 as pb;
use clap::Args;
use tokio::time::timeout;

use crate::args::Global;
use crate::context;
use crate::document;
use crate::interrupt::interrupted;
use crate::output::{Columns, Line, Output};
use crate::show;
use crate::words;

use keep::{Folder, Kept};

const EXAMPLES: &str = "\
EXAMPLES
  barid --as pk/police receive                      what waits now, with its texts
  barid --as pk/police receive --follow --into in   go on; each message in in/ID.json
  barid --as pk/police receive --peek               look, take nothing
  barid --as pk/police receive --status exercise    exercises must be asked for
  barid --as pk/police receive --max 1 --refuse wrong-addressee

  A message is acknowledged when its texts are out, or with --into when its file is on
  disk, and not before: after a crash in between it comes again, marked `again`, and a
  file that is there already is recognised. `barid message show in/ID.json` reads one.";

const COLUMNS: &[(&str, usize)] = &[
    ("CREATED", 24),
    ("PRECEDENCE", 10),
    ("KIND", 8),
    ("FROM", 20),
    ("MESSAGE", 36),
    ("MARK", 5),
    ("WHAT", 0),
];

/// With nothing heard for this long, it is asked whether anything waits still.
const QUIET: Duration = Duration::from_millis(750);

/// Receive messages, keep them, and say so
///
/// Takes messages from an inbox, prints or keeps each one, then acknowledges it: in this
/// order, so that nothing is lost between the two.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ReceiveArgs {
    /// The inbox. Default: your own address
    inbox: Option<Address>,
    /// Go on as messages come; else end when none waits
    #[arg(long)]
    follow: bool,
    /// Keep each message in this folder, as signed, in ID.json
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
    /// Look at what waits without taking it
    #[arg(long, conflicts_with_all = ["follow", "into", "refuse", "give_back"])]
    peek: bool,
    /// Statuses wanted: actual, exercise, system, test. Repeatable. Default: actual
    #[arg(long = "status", value_name = "STATUS", value_parser = status)]
    statuses: Vec<Status>,
    /// End after this many messages
    #[arg(long, value_name = "N")]
    max: Option<u64>,
    /// Do not take the messages: refuse them for good, for this reason, e.g.
    /// wrong-addressee, no-legal-basis, unreadable
    #[arg(long, value_name = "REASON", value_parser = refusal, conflicts_with = "into")]
    refuse: Option<Reason>,
    /// Do not take the messages: give them back to be tried again, at most five times
    #[arg(long, conflicts_with_all = ["into", "refuse"])]
    give_back: bool,
}

fn status(typed: &str) -> Result<Status, String> {
    match Status::from_str_name(&words::code("STATUS_", typed)) {
        None | Some(Status::Unspecified | Status::Draft) => {
            Err("use actual, exercise, system or test".to_owned())
        }
        Some(status) => Ok(status),
    }
}

fn refusal(typed: &str) -> Result<Reason, String> {
    let reason = Reason::from_str_name(&words::code("REASON_", typed));
    reason
        .filter(|reason| (350..400).contains(&i32::from(*reason)))
        .ok_or_else(|| "use for example wrong-addressee, no-legal-basis or unreadable".to_owned())
}

/// What a consumer does with each message.
struct Consumer<'a> {
    args: &'a ReceiveArgs,
    folder: Option<Folder>,
    keys: Vec<PublicKey>,
    /// Whether these are known from elsewhere than the node.
    keys_known: bool,
    columns: Columns,
    taken: u64,
    /// Kept, but the node has not confirmed the answer.
    unanswered: u64,
    /// Given back because they could not be read.
    unreadable: u64,
}

/// Runs the command.
pub(crate) async fn run(
    args: &ReceiveArgs,
    global: &Global,
    output: &mut Output,
) -> anyhow::Result<ExitCode> {
    let account = context::agency(global, output)?;
    let inbox = args.inbox.clone().unwrap_or_else(|| account.address.clone());
    let client = account.client()?;
    let folder = args.into.as_deref().map(Folder::open).transpose()?;
    let keys =
        client.evidence_keys().await.with_context(|| format!("cannot receive from {inbox}"))?;
    let mut consumer = Consumer {
        args,
        folder,
        keys: keys.to_vec(),
        keys_known: !account.evidence_keys.is_empty(),
        columns: Columns::new(COLUMNS),
        taken: 0,
        unanswered: 0,
        unreadable: 0,
    };
    if args.peek {
        consumer.peek(&client, &inbox, output).await?;
    } else {
        consumer.receive(&client, &inbox, output).await?;
    }
    consumer.end(output)
}

impl Consumer<'_> {
    fn acknowledges(&self) -> bool {
        self.args.refuse.is_none() && !self.args.give_back
    }

    fn is_full(&self) -> bool {
        self.args.max.is_some_and(|max| self.taken >= max)
    }

    async fn peek(
        &mut self,
        client: &AgencyClient,
        inbox: &Address,
        output: &mut Output,
    ) -> anyhow::Result<()> {
        let cannot = || format!("cannot look into {inbox}");
        let mut peek = client.peek(inbox, &self.args.statuses).await.with_context(cannot)?;
        while !self.is_full() {
            let Some(hand_out) = peek.next().await.with_context(cannot)? else {
                break;
            };
            let again = if hand_out.redelivered { "again" } else { "" };
            let (standing, head_unknown) = (hand_out.standing(), hand_out.head_unknown);
            let message = hand_out.message.unwrap_or_default();
            let seen = Seen {
                message: &message,
                acceptance: hand_out.acceptance.as_ref(),
                mark: mark(standing, head_unknown, again),
                attempt: hand_out.attempt,
            };
            self.show(&seen, output)?;
            self.taken += 1;
        }
        Ok(())
    }

    async fn receive(
        &mut self,
        client: &AgencyClient,
        inbox: &Address,
        output: &mut Output,
    ) -> anyhow::Result<()> {
        let options = ReceiveOptions {
            statuses: self.args.statuses.clone(),
            // One at a time: what is not taken is left to others, and to later.
            max_outstanding: self
                .args
                .max
                .map_or(64, |max| u32::try_from(max).unwrap_or(64).min(64)),
            ..ReceiveOptions::new(inbox.clone())
        };
        let interrupted = interrupted()?;
        let mut receiver = client.receive(options);
        let done = tokio::select! {
            done = self.take_all(client, inbox, &mut receiver, output) => done,
            () = interrupted => Ok(()),
        };
        // Whatever the end: what is not answered by now is for others, at once.
        receiver.close().await;
        done
    }

    async fn take_all(
        &mut self,
        client: &AgencyClient,
        inbox: &Address,
        receiver: &mut Receiver,
        output: &mut Output,
    ) -> anyhow::Result<()> {
        while !self.is_full() {
            let Some(hand_out) = self.next(client, inbox, receiver).await? else {
                break;
            };
            self.take(hand_out, output).await?;
        }
        Ok(())
    }

    /// The next message; none when none waits and it is not to go on.
    async fn next(
        &self,
        client: &AgencyClient,
        inbox: &Address,
        receiver: &mut Receiver,
    ) -> anyhow::Result<Option<HandOut>> {
        let cannot = || format!("cannot receive from {inbox}");
        if self.args.follow {
            return receiver.next().await.map(Some).with_context(cannot);
        }
        // What waits for its next try, or is with another consumer, is not waited for.
        for _ in 0..2 {
            if let Ok(next) = timeout(QUIET, receiver.next()).await {
                return next.map(Some).with_context(cannot);
            }
            let mut peek = client.peek(inbox, &self.args.statuses).await.with_context(cannot)?;
            if peek.next().await.with_context(cannot)?.is_none() {
                return Ok(None);
            }
        }
        Ok(None)
    }

    async fn take(&mut self, mut hand_out: HandOut, output: &mut Output) -> anyhow::Result<()> {
        let message = hand_out.message().clone();
        if let Err(error) = document::open(&message) {
            self.unreadable += 1;
            output.note(Line::default().bad("unreadable ").text(format!("{error:#}")));
            return self.answered(hand_out.nack(None).await.map(drop), output);
        }
        let kept = match &self.folder {
            None => Kept::New,
            Some(folder) => folder.keep(&message)?,
        };
        let again = match (&kept, hand_out.redelivered()) {
            (Kept::Already, _) => "known",
            (Kept::New, true) => "again",
            (Kept::New, false) => "",
        };
        let seen = Seen {
            message: &message,
            acceptance: hand_out.acceptance(),
            mark: mark(hand_out.standing(), hand_out.head_unknown(), again),
            attempt: hand_out.attempt(),
        };
        let whole = self.show(&seen, output)?;
        if !whole && self.acknowledges() {
            bail!(
                "this message has more text than is shown here and was left where it is; take it with --into DIR"
            );
        }
        self.taken += 1;
        let answer = match self.args.refuse {
            Some(reason) => hand_out.refuse(reason).await.map(drop),
            None if self.args.give_back => hand_out.nack(None).await.map(drop),
            None => hand_out.ack().await.map(drop),
        };
        self.answered(answer, output)
    }

    /// An answer that is in doubt is no reason to stop: the message comes again, and is
    /// recognised.
    fn answered(
        &mut self,
        answer: Result<(), AnswerError>,
        output: &mut Output,
    ) -> anyhow::Result<()> {
        match answer {
            Ok(()) => Ok(()),
            Err(error @ AnswerError::Ended) => Err(error).context("cannot go on"),
            Err(error) => {
                self.unanswered += 1;
                output.note(Line::default().caution("not confirmed ").text(error.to_string()));
                Ok(())
            }
        }
    }

    /// Shows a message: its row, and its texts where nothing else keeps them. Whether
    /// that is the whole of them.
    fn show(&mut self, seen: &Seen<'_>, output: &mut Output) -> anyhow::Result<bool> {
        let (signed, body) = match document::open(seen.message) {
            Ok(opened) => opened,
            // Only peek comes so far with one.
            Err(error) => {
                output.note(Line::default().bad("unreadable ").text(format!("{error:#}")));
                return Ok(true);
            }
        };
        let header = signed.proto_header();
        if output.wants_json() {
            output.json(&show::Received {
                readable: document::Readable::of(header, &body),
                mark: seen.mark,
                attempt: seen.attempt,
                acceptance_verified: self.keys_known.then(|| seen.accepted(&self.keys)),
                acceptance: seen.acceptance,
                signed: seen.message,
            })?;
            return Ok(true);
        }
        self.columns.row(output, show::cells(header, &body, seen.mark))?;
        if self.folder.is_some() {
            return Ok(true);
        }
        Ok(show::texts(&body, output)?)
    }

    fn end(&self, output: &mut Output) -> anyhow::Result<ExitCode> {
        let messages =
            words::count(usize::try_from(self.taken).unwrap_or(usize::MAX), "message", "messages");
        let done = match (self.args.peek, self.args.refuse, self.args.give_back) {
            (true, ..) => "waiting",
            (_, Some(_), _) => "refused",
            (_, _, true) => "given back",
            _ => "received",
        };
        output.note(Line::default().faint(format!("{messages} {done}")));
        if self.unreadable > 0 {
            bail!(
                "{} could not be read and went back; ask the sender, or refuse with --refuse unreadable",
                words::count(
                    usize::try_from(self.unreadable).unwrap_or(usize::MAX),
                    "message",
                    "messages"
                )
            );
        }
        if self.unanswered > 0 {
            bail!("{} answers were not confirmed; run it again", self.unanswered);
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// What a reader has to know of a message first.
fn mark(standing: Standing, head_unknown: bool, again: &'static str) -> &'static str {
    match (standing, head_unknown) {
        (Standing::Recalled, _) => "RECALLED",
        (Standing::Replaced, _) => "replaced",
        (Standing::Unspecified, true) => "no head",
        (Standing::Unspecified, false) => again,
    }
}

/// A message as handed out.
struct Seen<'a> {
    message: &'a pb::SignedMessage,
    acceptance: Option<&'a SignedEvidence>,
    mark: &'static str,
    attempt: u32,
}

impl Seen<'_> {
    /// Whether the node proves that it accepted this very message.
    fn accepted(&self, keys: &[PublicKey]) -> bool {
        let digest = document::header_digest(self.message);
        let statement = self.acceptance.and_then(|signed| evidence::verify(signed, keys).ok());
        statement.is_some_and(|statement| *statement.header_digest == *digest.as_bytes())
    }
}
