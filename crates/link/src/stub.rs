//! Service stubs, generated from `proto/`.
#![allow(
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    clippy::use_self,
    clippy::clone_on_ref_ptr,
    clippy::allow_attributes_without_reason,
    reason = "generated code"
)]
/// Stubs of `barid.exchange.v1`.
pub mod exchange {
    tonic::include_proto!("barid.exchange.v1");
}
/// Stubs of `barid.operations.v1`.
pub mod operations {
    tonic::include_proto!("barid.operations.v1");
}
/// Stubs of `barid.audit.v1`.
pub mod audit {
    tonic::include_proto!("barid.audit.v1");
}
/// Stubs of `barid.federation.v1`.
pub mod federation {
    tonic::include_proto!("barid.federation.v1");
}
