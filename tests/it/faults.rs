//! Real faults under real processes: what was receipted is there, once, whatever fails.

mod errors;
mod points;
mod scene;
