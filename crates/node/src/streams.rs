//! How many streams each caller has open, and how many it may.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use barid_broker::decide::Refusal;
use barid_message::Reason;

/// Streams of one sort that one identity may have open. A hostile or broken client
/// then takes places from nobody but itself (GUARANTEES row 94).
pub(crate) const STREAMS_MAX: usize = 32;

/// Counts open streams by identity.
#[derive(Clone, Debug, Default)]
pub(crate) struct Streams(Arc<Mutex<HashMap<Arc<str>, usize>>>);

/// A place for one stream, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    streams: Streams,
    identity: Arc<str>,
}

impl Streams {
    /// Takes a place for a stream.
    pub(crate) fn open(&self, identity: &Arc<str>) -> Result<Place, Refusal> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(Arc::clone(identity)).or_default();
        if *count >= STREAMS_MAX {
            let text = format!("you have {STREAMS_MAX} streams open; close one first");
            return Err(Refusal::new(Reason::TooManyStreams, text).retry_after(5_000));
        }
        *count += 1;
        Ok(Place { streams: self.clone(), identity: Arc::clone(identity) })
    }

    /// Takes a place where there is no limit: what is counted is shown, not held back.
    pub(crate) fn join(&self, of: &Arc<str>) -> Place {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *open.entry(Arc::clone(of)).or_default() += 1;
        Place { streams: self.clone(), identity: Arc::clone(of) }
    }

    /// Streams that an identity has open.
    pub(crate) fn count(&self, identity: &str) -> usize {
        let open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.get(identity).copied().unwrap_or(0)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.streams.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.identity) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.identity);
            }
        }
    }
}
