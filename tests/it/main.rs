//! The whole system from outside: the real program over real sockets, and the checks of taste
//! that a machine can make.
#![expect(clippy::panic, reason = "a step that fails is a failed test")]

mod cli;
mod crash;
mod delivery;
mod demo;
mod faults;
mod federation;
mod harness;
mod hostile;
mod python;
mod skip;
mod start;
mod tidy;
mod watched;
