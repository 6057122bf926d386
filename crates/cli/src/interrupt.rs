//! The wish of somebody outside that a command end: SIGINT, SIGTERM or SIGHUP.

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

/// Ends with the first of these signals, which from here on do not end the program by
/// themselves.
pub(crate) fn interrupted() -> anyhow::Result<impl Future<Output = ()>> {
    let on = |kind| signal(kind).context("no signal can be caught");
    let mut interrupt = on(SignalKind::interrupt())?;
    let mut terminate = on(SignalKind::terminate())?;
    let mut hang_up = on(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
    })
}
