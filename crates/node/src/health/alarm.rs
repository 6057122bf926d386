//! The operator's own command, run when something begins or ceases to be wrong.
//!
//! It gets the problem as environment variables and as one line of JSON; nothing goes
//! through a shell. It is run for one problem at a time, is ended when it takes too long,
//! and for one problem not more often than the pause allows: what changes meanwhile is told
//! behind it, if it is still so. That it fails stops nothing.

mod run;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::{Key, Problem};
use crate::config::Alarm as Config;
use crate::grpc::Services;

/// How long a failed command, or one that has to wait, is put off at most.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// What the command is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Alarm {
    pub(super) problem: Problem,
    pub(super) ended: bool,
}

/// What was told of each problem, and when the command was last run for it. A problem that
/// is over and was told to be so is forgotten when the pause is.
#[derive(Debug, Default)]
struct Told(BTreeMap<Key, Last>);

#[derive(Debug)]
struct Last {
    run_at: Instant,
    /// What the command was run for, whether it worked or not.
    tried: Problem,
    /// As the command was last told that it stands; `None`: that it does not.
    standing: Option<Problem>,
}

impl Told {
    /// What is to be told next: what is wrong and was not told, or is worse than was told;
    /// then what was told and is over.
    fn due(&self, now: Instant, pause: Duration, wrong: &[Problem]) -> Option<Alarm> {
        let is_due = |last: &Last| now >= last.run_at + pause;
        let news = wrong.iter().find(|problem| {
            self.0.get(&problem.key()).is_none_or(|last| {
                let told = last.standing.as_ref();
                told.is_none_or(|told| problem.is_worse_than(told))
                    && (is_due(last) || problem.is_worse_than(&last.tried))
            })
        });
        if let Some(problem) = news {
            return Some(Alarm { problem: problem.clone(), ended: false });
        }
        self.0.iter().find_map(|(key, last)| {
            let told = last.standing.as_ref()?;
            let is_over = wrong.iter().all(|problem| problem.key() != *key);
            (is_over && is_due(last)).then(|| Alarm { problem: told.clone(), ended: true })
        })
    }

    /// The command was run. Where it failed, it has told nothing, and is tried again behind
    /// the pause.
    fn ran(&mut self, now: Instant, alarm: &Alarm, has_told: bool) {
        let key = alarm.problem.key();
        let before = self.0.remove(&key).and_then(|last| last.standing);
        let standing = match (has_told, alarm.ended) {
            (true, false) => Some(alarm.problem.clone()),
            (true, true) => None,
            (false, _) => before,
        };
        self.0.insert(key, Last { run_at: now, tried: alarm.problem.clone(), standing });
    }

    /// Forgets what has no more to be told.
    fn forget(&mut self, now: Instant, pause: Duration) {
        self.0.retain(|_, last| last.standing.is_some() || now < last.run_at + pause);
    }
}

/// Tells the command what is wrong, as long as the node runs.
pub(crate) async fn tell(services: Services, config: Config) {
    let mut wrong = services.health.problems();
    let mut told = Told::default();
    loop {
        let problems = wrong.borrow_and_update().clone();
        told.forget(Instant::now(), config.pause);
        if let Some(alarm) = told.due(Instant::now(), config.pause, &problems) {
            let ran = tokio::select! {
                () = services.stop.cancelled() => return,
                ran = run::run(&config, &services.name, services.broker.now(), &alarm) => ran,
            };
            if let Err(error) = &ran {
                let kind = alarm.problem.kind.as_str_name();
                tracing::error!(%error, kind, "the alarm command has failed; look at [alarm]");
            }
            told.ran(Instant::now(), &alarm, ran.is_ok());
            continue;
        }
        tokio::select! {
            () = services.stop.cancelled() => return,
            // Or nothing new, and what waits for its pause may be due.
            changed = timeout(LOOK_AGAIN, wrong.changed()) => if matches!(changed, Ok(Err(_))) {
                return;
            },
        }
    }
}
