//! Generates the service stubs; the messages themselves come from `barid-proto`.

use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    println!("cargo::rerun-if-changed={}", root.display());
    let services = [
        root.join("barid/exchange/v1/exchange_service.proto"),
        root.join("barid/operations/v1/operations_service.proto"),
        root.join("barid/federation/v1/link_service.proto"),
        root.join("barid/audit/v1/audit_service.proto"),
        root.join("barid/audit/v1/witness_service.proto"),
    ];
    let descriptors = protox::compile(services, [&root])?;
    let mut config = prost_build::Config::new();
    config.skip_source_info();
    tonic_prost_build::configure()
        .extern_path(".barid.message.v1", "::barid_proto::message::v1")
        .extern_path(".barid.audit.v1", "::barid_proto::audit::v1")
        .extern_path(".barid.exchange.v1", "::barid_proto::exchange::v1")
        .extern_path(".barid.operations.v1", "::barid_proto::operations::v1")
        .extern_path(".barid.federation.v1", "::barid_proto::federation::v1")
        .compile_fds_with_config(descriptors, config)?;
    Ok(())
}
