//! The core under a simulated disk, network and clock: seeded histories of 3 to 6 nodes,
//! and whether every promise held.
//!
//! What runs is the product's own: sequencer, writer, journal, recovery, gate, handle,
//! frames. What is simulated is what it stands on, and the people who use it.

#[cfg(test)]
mod agency;
#[cfg(test)]
mod calls;
#[cfg(test)]
mod cast;
#[cfg(test)]
mod chance;
#[cfg(test)]
mod machine;
#[cfg(test)]
mod op;
#[cfg(test)]
mod post;
#[cfg(test)]
mod reproductions;
#[cfg(test)]
mod seeds;
#[cfg(test)]
mod session;
#[cfg(test)]
#[path = "../../crates/journal/tests/it/sim_disk/mod.rs"]
#[allow(dead_code, reason = "the journal's own tests damage files too")]
mod sim_disk;
#[cfg(test)]
mod tally;
#[cfg(test)]
mod wire;
#[cfg(test)]
mod world;
