//! What is written down and how it is proven: entries, leaves, evidence, the Merkle log, checkpoints, proofs, witness rules, bundles and their offline verification.

pub mod bundle;
pub mod checkpoint;
pub mod commitment;
pub mod entry;
pub mod evidence;
pub mod note;
pub mod tree;
pub mod witness;
