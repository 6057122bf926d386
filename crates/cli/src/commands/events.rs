//! `barid tail` and `barid log`: events of the delivery log.

#[cfg(test)]
mod tests;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use barid_link::client::{OperatorClient, Tailed};
use barid_message::address::Address;
use barid_message::header::Kind;
use barid_message::id::MessageId;
use barid_node::clock;
use barid_proto::audit::v1::Event;
use barid_proto::operations::v1 as pb;
use clap::Args;

use crate::args::Global;
use crate::context::{self, WrongUse};
use crate::output::{Columns, Line, Output, OutputError};
use crate::words::{self, When};

const TAIL_EXAMPLES: &str = "\
EXAMPLES
  barid tail                                   the last ten events
  barid tail --follow --outcome refused        refusals as they happen
  barid tail --follow --agency pk/police --json | tee police.jsonl

  With --follow and without a filter it also says what is wrong with the node, when that
  begins and when it ends: `barid status` has all of it.

  Who watched, and --why, is itself kept in the node's journal.";

const LOG_EXAMPLES: &str = "\
EXAMPLES
  barid log --from 2h
  barid log --agency pk/police --kind alert --outcome handed-over --from 2027-01-15
  barid log --message 01a3185c-5000-7001-8000-000000000002
  barid log --from 2027-01-01 --to 2027-02-01 --limit 0 --json > january.jsonl";

const COLUMNS: &[(&str, usize)] = &[
    ("TIME", 24),
    ("EVENT", 19),
    ("PRECEDENCE", 10),
    ("KIND", 8),
    ("FROM", 18),
    ("TO", 18),
    ("MESSAGE", 36),
    ("REASON", 0),
];

/// Events of one page.
const PAGE: i32 = 500;
/// Pause before a broken stream is opened again.
const REOPEN_AFTER: Duration = Duration::from_secs(2);

/// Watch events as they happen
///
/// Prints one line for each submission, hand-over, return, refusal and end.
#[derive(Args, Debug)]
#[command(after_help = TAIL_EXAMPLES)]
pub(crate) struct TailArgs {
    /// Go on as events happen
    #[arg(long)]
    follow: bool,
    /// Begin with this many events from before, at most 500
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(0..=500))]
    last: u32,
    #[command(flatten)]
    filter: FilterArgs,
}

/// Search the delivery log
///
/// Prints the events that fit, oldest first. Every search is itself kept in the node's
/// journal: who, which filter, why, how much.
#[derive(Args, Debug)]
#[command(after_help = LOG_EXAMPLES)]
pub(crate) struct LogArgs {
    #[command(flatten)]
    filter: FilterArgs,
    /// End after this many events; 0 = never
    #[arg(long, value_name = "N", default_value_t = 1000)]
    limit: u64,
}

/// Which events: all that is given must hold.
#[derive(Args, Debug, Default)]
struct FilterArgs {
    /// Of one message
    #[arg(long, value_name = "ID", value_parser = words::message_id)]
    message: Option<MessageId>,
    /// Of one agency, as sender or recipient
    #[arg(long, value_name = "ADDRESS")]
    agency: Option<Address>,
    /// Of one kind: alert, incident, note
    #[arg(long, value_parser = kind)]
    kind: Option<Kind>,
    /// Of one outcome, e.g. handed-over, refused, expired, dead-lettered
    #[arg(long, value_name = "EVENT", value_parser = event)]
    outcome: Option<Event>,
    /// Not before: a time, a date, or 15m, 2h, 3d for ago
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    from: Option<When>,
    /// Before
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    to: Option<When>,
    /// Why you look, for the journal
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    why: String,
}

fn kind(typed: &str) -> Result<Kind, String> {
    match Kind::from_str_name(&words::code("KIND_", typed)) {
        None | Some(Kind::Unspecified) => Err("use for example alert, incident or note".to_owned()),
        Some(kind) => Ok(kind),
    }
}

fn event(typed: &str) -> Result<Event, String> {
    match Event::from_str_name(&words::code("EVENT_", typed)) {
        None | Some(Event::Unspecified) => Err(
            "use for example submission-accepted, handed-over, refused, expired, non-delivered, \
             overdue, dead-lettered or returned"
                .to_owned(),
        ),
        Some(event) => Ok(event),
    }
}

impl FilterArgs {
    /// Whether all events fit.
    const fn is_empty(&self) -> bool {
        let Self { message, agency, kind, outcome, from, to, why: _ } = self;
        message.is_none()
            && agency.is_none()
            && kind.is_none()
            && outcome.is_none()
            && from.is_none()
            && to.is_none()
    }

    fn filter(&self) -> Result<pb::EventFilter, WrongUse> {
        let now = clock::now();
        let [from, to] = [self.from, self.to].map(|when| when.map(|when| when.at(now)));
        if from.zip(to).is_some_and(|(from, to)| from >= to) {
            let empty = "--from is not before --to, so that nothing can fit; `--from 2h --to 1h` is \
                         the hour before the last one";
            return Err(WrongUse(empty.to_owned()));
        }
        Ok(pb::EventFilter {
            message_id: self.message.map(|id| id.to_string()).unwrap_or_default(),
            agency: self.agency.as_ref().map(Address::to_string).unwrap_or_default(),
            kind: self.kind.map_or(0, i32::from),
            event: self.outcome.map_or(0, i32::from),
            from_time: from.map(|time| time.to_proto()),
            to_time: to.map(|time| time.to_proto()),
        })
    }
}

/// Runs `tail`.
pub(crate) async fn tail(
    args: &TailArgs,
    global: &Global,
    output: &mut Output,
) -> anyhow::Result<ExitCode> {
    let client = context::operator(global, output)?.client()?;
    let mut request = pb::TailEventsRequest {
        filter: Some(args.filter.filter()?),
        after: String::new(),
        purpose: args.filter.why.clone(),
        last: args.last,
        follow: args.follow,
        problems: args.follow && args.filter.is_empty(),
    };
    let mut columns = Columns::new(COLUMNS);
    loop {
        match read(&client, &mut request, &mut columns, output).await {
            Ok(()) if !args.follow => return Ok(ExitCode::SUCCESS),
            Ok(()) => {}
            Err(ReadError::Output(error)) => return Err(error.into()),
            Err(ReadError::Call(error)) if args.follow && error.is_passing() => {
                output.note(Line::default().caution("interrupted ").text(error.to_string()));
            }
            Err(ReadError::Call(error)) => return Err(error).context("cannot watch events"),
        }
        tokio::time::sleep(REOPEN_AFTER).await;
    }
}

/// Why reading ended.
enum ReadError {
    Call(barid_link::client::CallError),
    Output(OutputError),
}

/// One stream to its end. `request` is left so that the next one goes on behind it.
async fn read(
    client: &OperatorClient,
    request: &mut pb::TailEventsRequest,
    columns: &mut Columns,
    output: &mut Output,
) -> Result<(), ReadError> {
    let mut tail = client.tail_events(request.clone()).await.map_err(ReadError::Call)?;
    while let Some(tailed) = tail.next().await.map_err(ReadError::Call)? {
        match tailed {
            Tailed::Event(record) => {
                show(&record, columns, output).map_err(ReadError::Output)?;
                request.after = record.cursor;
                request.last = 0;
            }
            Tailed::Problem(change) => show_problem(&change, output).map_err(ReadError::Output)?,
        }
    }
    Ok(())
}

/// Runs `log`.
pub(crate) async fn log(
    args: &LogArgs,
    global: &Global,
    output: &mut Output,
) -> anyhow::Result<ExitCode> {
    let client = context::operator(global, output)?.client()?;
    let mut request = pb::ListEventsRequest {
        filter: Some(args.filter.filter()?),
        page_size: PAGE,
        page_token: String::new(),
        purpose: args.filter.why.clone(),
    };
    let mut columns = Columns::new(COLUMNS);
    let mut shown = 0;
    loop {
        let page = client.list_events(request.clone()).await.context("cannot search the log")?;
        for record in &page.events {
            if args.limit > 0 && shown == args.limit {
                let more = "there is more; use --limit, --from and --to, or --limit 0 for all";
                output.note(Line::default().caution(more));
                return Ok(ExitCode::SUCCESS);
            }
            show(record, &mut columns, output)?;
            shown += 1;
        }
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    if shown == 0 {
        output.note(Line::default().faint("no such events"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Something begins to be wrong with the node, or ends: no row of the table.
fn show_problem(change: &pb::ProblemChange, output: &mut Output) -> Result<(), OutputError> {
    if output.wants_json() {
        return output.json(change);
    }
    let problem = change.problem.clone().unwrap_or_default();
    let time = words::time(change.time.as_ref());
    let line = Line::default().text(format!("{time}  "));
    let line = match problem.severity() {
        _ if change.ended => line.good("WELL AGAIN").text("  "),
        pb::Severity::Critical => line.bad("CRITICAL").text("  "),
        pb::Severity::Warning | pb::Severity::Unspecified => line.caution("WARNING").text("  "),
    };
    let line =
        if problem.subject.is_empty() { line } else { line.strong(problem.subject).text(": ") };
    let line = line.text(problem.text);
    output.line(if change.ended { line } else { line.text("; do: ").text(problem.advice) })
}

fn show(
    record: &pb::EventRecord,
    columns: &mut Columns,
    output: &mut Output,
) -> Result<(), OutputError> {
    if output.wants_json() {
        return output.json(record);
    }
    columns.row(
        output,
        [
            words::time(record.time.as_ref()),
            words::event(record.event),
            words::precedence(record.precedence),
            words::marked(record.status, &words::kind(record.kind)),
            record.origin_agency.clone(),
            record.recipient.clone(),
            record.message_id.clone(),
            words::reason_and_why(record.reason, &record.why),
        ],
    )
}
