//! What the machine is doing besides.

use std::fs;
use std::thread;

use serde::Serialize;

/// How busy the machine was.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Load {
    /// Processes that ran or waited to, on average over the last minute. `None` where
    /// the system does not tell.
    pub(super) one_minute: Option<f64>,
}

impl Load {
    pub(super) fn now() -> Self {
        let text = fs::read_to_string("/proc/loadavg").ok();
        let first = text.as_deref().and_then(|text| text.split_ascii_whitespace().next());
        Self { one_minute: first.and_then(|first| first.parse().ok()) }
    }
}

/// Processors that this program may use.
pub(super) fn processors() -> usize {
    thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
