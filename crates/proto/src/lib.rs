//! The wire's messages, generated at build time from `proto/`; nothing written by hand but the JSON form of times.
#![allow(
    missing_docs,
    unreachable_pub,
    unnameable_types,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    clippy::use_self,
    clippy::clone_on_ref_ptr,
    clippy::map_err_ignore,
    clippy::allow_attributes_without_reason,
    reason = "generated code"
)]

/// The encoded `FileDescriptorSet` of every package, for reflection and tidy tests.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// What a standard message is, on the wire.
pub mod message {
    /// Version 1.
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/barid.message.v1.rs"));
        include!(concat!(env!("OUT_DIR"), "/barid.message.v1.serde.rs"));
    }
}

/// Evidence, on the wire.
pub mod audit {
    /// Version 1.
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/barid.audit.v1.rs"));
        include!(concat!(env!("OUT_DIR"), "/barid.audit.v1.serde.rs"));
    }
}

/// What agency systems say and hear.
pub mod exchange {
    /// Version 1.
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/barid.exchange.v1.rs"));
        include!(concat!(env!("OUT_DIR"), "/barid.exchange.v1.serde.rs"));
    }
}

/// What operators say and hear.
pub mod operations {
    /// Version 1.
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/barid.operations.v1.rs"));
        include!(concat!(env!("OUT_DIR"), "/barid.operations.v1.serde.rs"));
    }
}

/// What nodes say to each other.
pub mod federation {
    /// Version 1.
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/barid.federation.v1.rs"));
        include!(concat!(env!("OUT_DIR"), "/barid.federation.v1.serde.rs"));
    }
}

/// What the journal keeps. Internal to a node.
pub mod journal {
    /// Version 1.
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/barid.journal.v1.rs"));
    }
}

mod timestamp;

pub use timestamp::Timestamp;
