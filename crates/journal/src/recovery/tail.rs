//! Whether bytes at the end of the journal are a group that was being written
//! when the node stopped.

use super::Damage;
use super::scan::Stop;
use crate::format::group::{GROUP_BYTES_MAX, GroupHeader};
use crate::format::{Fault, SECTOR};
use crate::planted::planted;
use crate::segment::{Window, is_zero};

/// The bytes to drop, if what stands between `offset` and `content_end` in the
/// last segment can be a torn group whose sync never returned.
///
/// Every answer of a disk that keeps its promises about sectors is recognised;
/// what no torn write leaves is damage, even if dropping it would lose nothing.
pub(super) fn torn(
    window: &mut Window,
    offset: u64,
    content_end: u64,
    fault: Fault,
) -> Result<u64, Stop> {
    if planted("drop-any-tail") {
        return Ok(content_end - offset);
    }
    let damaged = || Stop::Damage(Damage::Group(fault));
    let sector = SECTOR as u64;
    match GroupHeader::parse(&window.get(offset, sector)?) {
        Ok(header) => {
            let group_end = offset + header.extent() as u64;
            // (a) What stands behind a group was written after its sync.
            if content_end > group_end || group_end >= window.length() {
                return Err(damaged());
            }
            // (c)
            let group = window.get(offset, header.extent() as u64)?;
            if group.chunks(SECTOR).any(is_zero) {
                Ok(header.extent() as u64)
            } else {
                Err(damaged())
            }
        }
        Err(_) => {
            // The header's sector is written whole or not at all, so it is
            // still zeros (c), or it was written and has been damaged since.
            if !is_zero(&window.get(offset, sector)?) || content_end - offset > GROUP_BYTES_MAX {
                return Err(damaged());
            }
            // (a) An intact header further on, even of a group that is torn
            // itself, was written after the sync of this one.
            let mut at = offset + sector;
            while at < content_end {
                match GroupHeader::parse(&window.get(at, sector)?) {
                    Err(Fault::Header) => at += sector,
                    _ => return Err(damaged()),
                }
            }
            Ok(content_end - offset)
        }
    }
}
