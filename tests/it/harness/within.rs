//! Waiting, but not for ever.

use std::time::Duration;

/// Longest wait for anything that is to happen.
const PATIENCE: Duration = Duration::from_secs(40);

/// What comes in time; whatever does not come fails the test.
pub(crate) async fn within<T>(coming: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, coming).await.expect("it happens within 40 s")
}
