//! What is run when something begins or ceases to be wrong.

use std::path::PathBuf;
use std::time::Duration;

use super::error::ConfigError;
use super::limits::{ALARM_PAUSE, ALARM_TIMEOUT};
use super::raw::RawAlarm;
use super::source::Source;

/// `[alarm]`: a command of the operator's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// First of `command`, default none: the program, relative to this file's folder or
    /// absolute. No shell and no search path come into it.
    pub program: PathBuf,
    /// The others of `command`: its arguments, as they are.
    pub arguments: Vec<String>,
    /// `timeout_s`, default 30, 1 to 300: how long it may take before it is ended.
    pub timeout: Duration,
    /// `pause_min`, default 15, 1 to 1440: how long after one run for a problem the next
    /// for the same is put off, unless the problem has become worse.
    pub pause: Duration,
}

impl Alarm {
    pub(super) fn read(source: &Source<'_>, raw: &RawAlarm) -> Result<Option<Self>, ConfigError> {
        let RawAlarm { command, timeout_s, pause_min } = raw;
        let timeout = ALARM_TIMEOUT.read(source, timeout_s.as_ref())?;
        let pause = ALARM_PAUSE.read(source, pause_min.as_ref())?;
        let Some((program, arguments)) = command.split_first() else {
            return Ok(None);
        };
        Ok(Some(Self {
            program: source.path(program)?,
            arguments: arguments.iter().map(|argument| argument.get_ref().clone()).collect(),
            timeout: Duration::from_secs(timeout.into()),
            pause: Duration::from_secs(u64::from(pause) * 60),
        }))
    }
}
