//! One screen: is anything wrong, since when, what to do.

use std::process::ExitCode;
use std::time::Duration;

use barid_link::client::CallError;
use barid_message::time::Millis;
use barid_node::clock;
use barid_proto::Timestamp;
use barid_proto::operations::v1 as pb;

use crate::args::Global;
use crate::context;
use crate::output::{Line, Output, OutputError, Table};
use crate::words;

/// Runs the command.
pub(super) async fn run(
    timeout: Duration,
    global: &Global,
    output: &mut Output,
) -> anyhow::Result<ExitCode> {
    let client = context::operator(global, output)?.client()?;
    let asked = tokio::time::timeout(timeout, client.status(pb::GetStatusRequest {})).await;
    let answer = match asked {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => unreachable(&error),
        Err(_elapsed) => unreachable(&CallError::Deadline),
    };
    if output.wants_json() {
        output.json(&answer)?;
    } else {
        show(&answer, output)?;
    }
    Ok(code(worst(&answer)))
}

/// What is to be said where the node says nothing.
fn unreachable(error: &CallError) -> pb::GetStatusResponse {
    let mut problem = pb::Problem {
        text: format!("the node does not answer: {error}"),
        advice:
            "at the node: does it run (`systemctl status barid`), and what is the last line of \
                 its log?"
                .to_owned(),
        ..pb::Problem::default()
    };
    problem.set_severity(pb::Severity::Critical);
    problem.set_kind(pb::ProblemKind::NodeUnreachable);
    let time = Some(clock::now().to_proto());
    pb::GetStatusResponse { time, problems: vec![problem], ..pb::GetStatusResponse::default() }
}

fn worst(answer: &pb::GetStatusResponse) -> pb::Severity {
    let severities = answer.problems.iter().map(pb::Problem::severity);
    severities.max().unwrap_or(pb::Severity::Unspecified)
}

/// As the Nagios plugin guidelines have it, for OK, WARNING and CRITICAL. A severity that
/// this version does not know is no small one.
fn code(worst: pb::Severity) -> ExitCode {
    ExitCode::from(match worst {
        pb::Severity::Unspecified => 0,
        pb::Severity::Warning => 1,
        pb::Severity::Critical => 2,
    })
}

pub(super) fn show(answer: &pb::GetStatusResponse, output: &mut Output) -> Result<(), OutputError> {
    output.line(verdict(answer))?;
    let now = answer.time.as_ref().and_then(|time| Millis::from_proto(time).ok());
    for problem in &answer.problems {
        for line in lines(problem, now) {
            output.line(line)?;
        }
    }
    if answer.started_at.is_some() {
        output.line("")?;
        output.table(&well(answer, now))?;
    }
    Ok(())
}

fn verdict(answer: &pb::GetStatusResponse) -> Line {
    let name = if answer.name.is_empty() { "the node" } else { &answer.name };
    let of =
        |severity| answer.problems.iter().filter(|problem| problem.severity() == severity).count();
    let all = words::count(answer.problems.len(), "thing is wrong", "things are wrong");
    match worst(answer) {
        pb::Severity::Unspecified => {
            Line::default().good("OK").text(format!(": {name}: nothing is wrong"))
        }
        pb::Severity::Warning => {
            Line::default().caution("WARNING").text(format!(": {name}: {all}, none critical"))
        }
        pb::Severity::Critical => {
            let critical = of(pb::Severity::Critical);
            let text = format!(": {name}: {all}, {critical} critical");
            Line::default().bad("CRITICAL").text(text)
        }
    }
}

/// What and with what; since when; what to do.
fn lines(problem: &pb::Problem, now: Option<Millis>) -> [Line; 2] {
    let line = match problem.severity() {
        pb::Severity::Critical => Line::default().bad("critical  "),
        pb::Severity::Warning | pb::Severity::Unspecified => Line::default().caution("warning   "),
    };
    let line = match &*problem.subject {
        "" => line,
        subject => line.strong(subject).text(": "),
    };
    let since = match age(problem.since.as_ref(), now) {
        Some(age) => format!(" (since {}, {age})", words::time(problem.since.as_ref())),
        None => String::new(),
    };
    let what = line.text(&*problem.text).faint(since);
    [what, Line::default().text("          do: ").text(&*problem.advice)]
}

fn age(since: Option<&Timestamp>, now: Option<Millis>) -> Option<String> {
    let since = Millis::from_proto(since?).ok()?;
    let seconds = now?.since(since).as_secs();
    Some(match seconds {
        0..60 => format!("{seconds} s"),
        _ => words::span(Duration::from_secs(seconds)),
    })
}

fn well(answer: &pb::GetStatusResponse, now: Option<Millis>) -> Table {
    let mut table = Table::new([]);
    let running = age(answer.started_at.as_ref(), now).unwrap_or_default();
    table.row().text("runs").text(format!("for {running}"));
    table.row().text("in the inboxes").text(waiting(&answer.inboxes, now));
    table.row().text("for other nodes").text(waiting(&answer.peers, now));
    table.row().text("dead letters").text(answer.dead_letters.to_string());
    let links = format!("{} of {} up", answer.links_live, answer.links);
    table.row().text("links").text(if answer.links == 0 { "none".to_owned() } else { links });
    table.row().text("disk").text(disk(answer.disk.as_ref()));
    let believed = if answer.clock_believed { "believed" } else { "in doubt" };
    table.row().text("clock").text(format!("{}, {believed}", words::time(answer.time.as_ref())));
    let log = if answer.delivery_log_up { "up" } else { "down" };
    table.row().text("delivery log").text(log);
    let ends = match answer.ends_at {
        Some(_) => format!("{}: {}", words::time(answer.ends_at.as_ref()), answer.ends_first),
        None => "nothing".to_owned(),
    };
    table.row().text("ends first").text(ends);
    let last = match answer.last_sync_us {
        0 => "none yet".to_owned(),
        us => format!("{}.{:03} ms", us / 1_000, us % 1_000),
    };
    table.row().text("last sync took").text(last);
    table
}

fn waiting(piles: &[pb::Waiting], now: Option<Millis>) -> String {
    let some: Vec<_> = piles
        .iter()
        .filter(|pile| pile.deliveries > 0)
        .map(|pile| {
            let name = words::precedence(pile.precedence);
            match age(pile.oldest_accepted_at.as_ref(), now) {
                Some(age) => format!("{} {name}, the oldest for {age}", pile.deliveries),
                None => format!("{} {name}", pile.deliveries),
            }
        })
        .collect();
    if some.is_empty() { "nothing waits".to_owned() } else { some.join("; ") }
}

fn disk(room: Option<&pb::DiskRoom>) -> String {
    let Some(room) = room else {
        return "cannot be measured".to_owned();
    };
    let mib = |bytes: u64| format!("{} MiB", bytes >> 20);
    let ballast = if room.ballast_stands { "stands" } else { "was given up" };
    format!(
        "{} free, of which {} are kept for deliveries; data {}; the ballast of {} {ballast}",
        mib(room.free_bytes),
        mib(room.free_bytes_min),
        mib(room.used_bytes),
        mib(room.ballast_bytes)
    )
}
