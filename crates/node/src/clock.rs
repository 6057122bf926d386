//! The time, for those who are not the broker: tools that sign, certificates.

pub use barid_broker::clock::{Clock, Reading, SystemClock};
use barid_message::time::Millis;

/// The wall clock, UTC.
#[must_use]
pub fn now() -> Millis {
    SystemClock::new().read().wall
}
