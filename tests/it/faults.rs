//! Real faults under real processes: what was receipted is there, once, whatever fails.

mod clock;
mod crowd;
mod errors;
mod limits;
mod points;
mod poison;
mod scene;
