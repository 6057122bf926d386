//! Being told to stop.

use tokio::signal::unix::{SignalKind, signal};

/// Catches SIGTERM and SIGINT from now on: before anybody is told that the node runs,
/// so that whoever hears it may stop it at once. The future waits for one of them.
///
/// # Errors
/// The operating system lets no signal be caught.
pub(crate) fn stop() -> std::io::Result<impl Future<Output = &'static str>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        }
    })
}
