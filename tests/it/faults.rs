//! Real faults under real processes: what was receipted is there, once, whatever fails.

mod clock;
mod crowd;
mod errors;
mod full;
mod limits;
mod points;
mod poison;
mod power;
mod real;
mod scene;
mod stuck;

use crate::harness::say;

/// Whether this is `tests/campaign.sh`, which alone has time and rights for some tests; says
/// what is left to it.
fn in_campaign(test: &str) -> bool {
    let is_one = std::env::var_os("BARID_CAMPAIGN").is_some();
    if !is_one {
        say(&format!("{test}: left to tests/campaign.sh"));
    }
    is_one
}
