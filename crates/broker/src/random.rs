//! Where random bytes come from: the machine, or a simulation.

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};

/// The machine gives no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the machine gives no random bytes")]
pub struct NoRandom;

/// A source of random bytes. A simulation's are a function of its seed, so that the same
/// seed gives the same entries byte for byte.
pub trait Random: Send + Sync {
    /// Fills all of `bytes`.
    ///
    /// # Errors
    /// [`NoRandom`]: nothing may be made of what is in them then.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandom>;
}

/// The machine's.
#[derive(Debug)]
pub struct MachineRandom(SystemRandom);

impl MachineRandom {
    /// Asks for nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self(SystemRandom::new())
    }
}

impl Default for MachineRandom {
    fn default() -> Self {
        Self::new()
    }
}

impl Random for MachineRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandom> {
        self.0.fill(bytes).map_err(|_why| NoRandom)
    }
}
