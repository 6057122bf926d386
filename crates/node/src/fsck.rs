//! The folder of a node that has stopped, checked.

use std::path::Path;
use std::sync::Arc;

use barid_journal::OsDisk;

pub use barid_broker::fsck::{FsckError, Mending, Report, Signed, Told};
pub use barid_broker::scrub::{Damage, Part};

/// Checks a data folder, and changes nothing but what it is told to mend; no node can
/// start meanwhile.
///
/// # Errors
/// [`FsckError`] where it cannot be looked at.
pub fn fsck(
    data: &Path,
    what: (Mending, Signed),
    told: impl FnMut(Told),
) -> Result<Report, FsckError> {
    barid_broker::fsck::fsck(Arc::new(OsDisk), data, what, told)
}
