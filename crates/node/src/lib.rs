//! The process: configuration, listeners, gRPC handlers, tasks, metrics, shutdown.

pub mod card;
pub mod clock;
pub mod config;
pub mod fsck;
mod grpc;
mod health;
pub mod init;
pub mod link;
pub mod logging;
mod registry;
pub mod serve;
mod signal;
mod streams;
mod witness;
