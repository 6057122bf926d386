//! Running the command once.

use std::io;
use std::process::{ExitStatus, Stdio};

use barid_message::time::Millis;
use barid_proto::operations::v1::ProblemChange;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::{Alarm, Problem};
use crate::config::Alarm as Config;

/// Why the command did not do its work.
#[derive(Debug, thiserror::Error)]
pub(super) enum RunError {
    /// It could not be started.
    #[error("it cannot be started: {0}")]
    Start(#[source] io::Error),
    /// It took too long, and was ended. Processes that it began are not.
    #[error("it took longer than {0} s, and was ended")]
    TooLong(u64),
    /// It could not be waited for.
    #[error("it cannot be waited for: {0}")]
    Wait(#[source] io::Error),
    /// It says that it failed.
    #[error("it ended with {0}")]
    Failed(ExitStatus),
}

/// Runs it to its end, or ends it.
pub(super) async fn run(
    config: &Config,
    node: &str,
    now: Millis,
    alarm: &Alarm,
) -> Result<(), RunError> {
    let Problem { severity, kind, subject, since, text, advice, .. } = &alarm.problem;
    let (severity, kind) = (severity.as_str_name(), kind.as_str_name());
    let mut child = Command::new(&config.program)
        .args(&config.arguments)
        .env("BARID_ALARM_NODE", node)
        .env("BARID_ALARM_STATE", if alarm.ended { "ENDED" } else { "BEGAN" })
        .env("BARID_ALARM_SEVERITY", severity.trim_start_matches("SEVERITY_"))
        .env("BARID_ALARM_KIND", kind.trim_start_matches("PROBLEM_KIND_"))
        .env("BARID_ALARM_SUBJECT", subject)
        .env("BARID_ALARM_SINCE", since.map(|since| since.to_string()).unwrap_or_default())
        .env("BARID_ALARM_TEXT", text)
        .env("BARID_ALARM_ADVICE", advice)
        .stdin(Stdio::piped())
        // What it says is for its own log: the node's holds constant words.
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(RunError::Start)?;
    let line = json(now, alarm);
    match timeout(config.timeout, finish(&mut child, &line)).await {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(RunError::Failed(status)),
        Ok(Err(error)) => Err(RunError::Wait(error)),
        Err(_elapsed) => Err(RunError::TooLong(config.timeout.as_secs())),
    }
}

async fn finish(child: &mut Child, line: &str) -> io::Result<ExitStatus> {
    if let Some(mut stdin) = child.stdin.take() {
        // One that does not read it has what it needs from its environment.
        drop(stdin.write_all(line.as_bytes()).await);
    }
    child.wait().await
}

/// The change as `barid tail --json` shows it, on one line.
fn json(now: Millis, alarm: &Alarm) -> String {
    let Alarm { problem, ended } = alarm;
    let problem = Some(problem.to_proto());
    let change = ProblemChange { time: Some(now.to_proto()), problem, ended: *ended };
    serde_json::to_string(&change).map(|json| json + "\n").unwrap_or_default()
}
