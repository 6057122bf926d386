//! Which steps fail, and how.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

/// What becomes of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// SIGKILL in front of it.
    KillBefore,
    /// SIGKILL behind it.
    KillAfter,
    /// The power goes in front of it: contents that no sync has covered are lost.
    CutBefore,
    /// The same, behind it.
    CutAfter,
    /// EIO, and nothing was done.
    Fail,
    /// EIO of a sync, and what it should have covered is lost.
    Lose,
    /// ENOSPC, and nothing was done.
    Full,
    /// It takes 2 s.
    Slow,
}

/// One step that fails, or all from one on: `ACTION@STEP#N` or `ACTION@STEP#N+`, from 1.
#[derive(Debug)]
pub(crate) struct Fault {
    action: Action,
    step: String,
    number: u64,
    and_later: bool,
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('@').and_then(|(action, at)| {
            let (step, number) = at.rsplit_once('#')?;
            let (number, and_later) = match number.strip_suffix('+') {
                Some(number) => (number, true),
                None => (number, false),
            };
            let number = number.parse().ok()?;
            Some(Self { action: action_of(action)?, step: step.to_owned(), number, and_later })
        });
        parts.ok_or_else(|| format!("{text} is no fault"))
    }
}

fn action_of(word: &str) -> Option<Action> {
    Some(match word {
        "kill-before" => Action::KillBefore,
        "kill-after" => Action::KillAfter,
        "cut-before" => Action::CutBefore,
        "cut-after" => Action::CutAfter,
        "fail" => Action::Fail,
        "lose" => Action::Lose,
        "full" => Action::Full,
        "slow" => Action::Slow,
        _ => return None,
    })
}

/// Counts the steps, tells them, and says which of them fail.
#[derive(Debug)]
pub(crate) struct Plan {
    faults: Vec<Fault>,
    reached: Mutex<Reached>,
}

#[derive(Debug)]
struct Reached {
    counts: HashMap<String, u64>,
    told: File,
}

impl Plan {
    /// With these faults; steps are told to the file at `steps`.
    pub(crate) fn new(steps: &Path, faults: Vec<Fault>) -> io::Result<Self> {
        let told = OpenOptions::new().create(true).append(true).open(steps)?;
        Ok(Self { faults, reached: Mutex::new(Reached { counts: HashMap::new(), told }) })
    }

    /// A step is reached.
    pub(crate) fn reach(&self, step: &str) -> Option<Action> {
        let mut reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
        let count = reached.counts.entry(step.to_owned()).or_default();
        *count += 1;
        let count = *count;
        // A test that misses a line fails by it.
        drop(reached.told.write_all(format!("{step}#{count}\n").as_bytes()));
        let meant = |fault: &&Fault| {
            fault.step == step
                && (fault.number == count || (fault.and_later && fault.number < count))
        };
        self.faults.iter().find(meant).map(|fault| fault.action)
    }
}
