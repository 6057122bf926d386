use std::path::PathBuf;

use barid_message::time::Millis;
use barid_proto::operations::v1::Severity;

use super::run::{RunError, run};
use super::*;
use crate::health::facts::{Facts, sample};
use crate::health::problems::problems;

const PAUSE: Duration = Duration::from_secs(900);

fn clock() -> Problem {
    problems(&Facts { clock_suspect: true, ..sample() }).remove(0)
}

/// What is told at a moment, which has worked.
fn next(told: &mut Told, now: Instant, wrong: &[Problem]) -> Option<bool> {
    let alarm = told.due(now, PAUSE, wrong)?;
    told.ran(now, &alarm, true);
    Some(alarm.ended)
}

#[tokio::test]
async fn one_problem_is_told_once_and_its_end_behind_the_pause() {
    let (mut told, start) = (Told::default(), Instant::now());
    let wrong = [clock()];
    assert_eq!(next(&mut told, start, &wrong), Some(false));
    assert_eq!(next(&mut told, start + PAUSE * 10, &wrong), None, "it was told");
    // It comes and goes: nothing is told, for in the end it stands as it was told.
    let mut told = Told::default();
    assert_eq!(next(&mut told, start, &wrong), Some(false));
    assert_eq!(next(&mut told, start + PAUSE / 2, &[]), None);
    assert_eq!(next(&mut told, start + PAUSE, &wrong), None);
    assert_eq!(next(&mut told, start + PAUSE, &[]), Some(true));
    assert_eq!(next(&mut told, start + PAUSE, &wrong), None, "the pause");
    assert_eq!(next(&mut told, start + PAUSE * 2, &wrong), Some(false));
}

#[tokio::test]
async fn what_gets_worse_does_not_wait_for_the_pause() {
    let (mut told, start) = (Told::default(), Instant::now());
    let warning = [Problem { severity: Severity::Warning, ..clock() }];
    assert_eq!(next(&mut told, start, &warning), Some(false));
    assert_eq!(next(&mut told, start, &[clock()]), Some(false));
    assert_eq!(next(&mut told, start, &warning), None);
    assert_eq!(next(&mut told, start, &[clock()]), None, "no more often for going to and fro");
}

#[tokio::test]
async fn a_command_that_fails_is_tried_again_behind_the_pause() {
    let (mut told, start) = (Told::default(), Instant::now());
    let wrong = [clock()];
    let alarm = told.due(start, PAUSE, &wrong).unwrap();
    told.ran(start, &alarm, false);
    assert_eq!(told.due(start + PAUSE / 2, PAUSE, &wrong), None);
    assert_eq!(next(&mut told, start + PAUSE, &wrong), Some(false));
    let alarm = told.due(start + PAUSE * 2, PAUSE, &[]).unwrap();
    told.ran(start + PAUSE * 2, &alarm, false);
    assert_eq!(next(&mut told, start + PAUSE * 3, &[]), Some(true));
    told.forget(start + PAUSE * 4, PAUSE);
    assert!(told.0.is_empty(), "nothing is kept of what is over");
}

#[tokio::test]
async fn a_command_that_fails_for_what_got_worse_is_not_run_without_pause() {
    let (mut told, start) = (Told::default(), Instant::now());
    let warning = [Problem { severity: Severity::Warning, ..clock() }];
    assert_eq!(next(&mut told, start, &warning), Some(false));
    let alarm = told.due(start, PAUSE, &[clock()]).unwrap();
    told.ran(start, &alarm, false);
    assert_eq!(told.due(start + PAUSE / 2, PAUSE, &[clock()]), None);
    assert_eq!(next(&mut told, start + PAUSE, &[clock()]), Some(false));
}

fn command(program: &str, arguments: &[&str], timeout: Duration) -> Config {
    Config {
        program: PathBuf::from(program),
        arguments: arguments.iter().map(ToString::to_string).collect(),
        timeout,
        pause: PAUSE,
    }
}

#[tokio::test]
async fn the_command_gets_the_problem_as_json_and_in_its_environment() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("told");
    let script = "{ cat; env | grep ^BARID_ALARM_ | sort; } > \"$1\"";
    let file_name = file.to_str().unwrap();
    let config = command("/bin/sh", &["-c", script, "sh", file_name], Duration::from_secs(30));
    let hostile = "it says \"$(reboot)\" \\ and\nmore";
    let problem = Problem { subject: hostile.into(), since: Some(Millis(0)), ..clock() };
    let alarm = Alarm { problem: problem.clone(), ended: false };
    run(&config, "torkham", Millis(1_800_000_000_000), &alarm).await.unwrap();
    let told = std::fs::read_to_string(file).unwrap();
    let (json, environment) = told.split_once('\n').unwrap();
    let json: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!(json["problem"]["subject"], hostile);
    assert_eq!(json["problem"]["severity"], "SEVERITY_CRITICAL");
    assert_eq!(json["time"], "2027-01-15T08:00:00Z");
    for line in [
        "BARID_ALARM_KIND=CLOCK_SUSPECT",
        "BARID_ALARM_NODE=torkham",
        "BARID_ALARM_SEVERITY=CRITICAL",
        "BARID_ALARM_SINCE=1970-01-01T00:00:00.000Z",
        "BARID_ALARM_STATE=BEGAN",
        &format!("BARID_ALARM_TEXT={}", problem.text),
    ] {
        assert!(environment.lines().any(|found| found == line), "{line}: {environment}");
    }
}

#[tokio::test]
async fn a_command_that_does_not_work_is_told_from_one_that_does() {
    let alarm = Alarm { problem: clock(), ended: true };
    let try_it = async |program, arguments: &[&str], ms| {
        let config = command(program, arguments, Duration::from_millis(ms));
        run(&config, "torkham", Millis(0), &alarm).await
    };
    assert!(try_it("/bin/sh", &["-c", "exit 0"], 30_000).await.is_ok(), "it reads nothing");
    let failed = try_it("/bin/sh", &["-c", "exit 3"], 30_000).await.unwrap_err();
    assert!(matches!(failed, RunError::Failed(status) if status.code() == Some(3)));
    let missing = try_it("/nowhere/page", &[], 30_000).await.unwrap_err();
    assert!(matches!(missing, RunError::Start(_)));
    let slow = try_it("/bin/sleep", &["600"], 50).await.unwrap_err();
    assert!(matches!(slow, RunError::TooLong(_)));
}
