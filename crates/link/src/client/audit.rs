//! The client of one operator for the node's audit log.

use barid_proto::audit::v1 as pb;
use tonic::transport::Channel;

use super::channel::NodeChannel;
use super::error::CallError;
use crate::caps;
use crate::stub::audit::audit_service_client::AuditServiceClient;

/// Reads a node's audit log. Cloning shares the connection.
#[derive(Clone, Debug)]
pub struct AuditClient(pub(super) NodeChannel);

fn rpc(channel: Channel) -> AuditServiceClient<Channel> {
    AuditServiceClient::new(channel)
        .max_decoding_message_size(caps::GRPC_MESSAGE_BYTES)
        .max_encoding_message_size(caps::GRPC_MESSAGE_BYTES)
}

calls! { AuditClient:
    /// The newest signed head, or one with a given leaf in it.
    checkpoint(GetCheckpointRequest) -> GetCheckpointResponse via get_checkpoint, call;
    /// Shows that a leaf is in the tree.
    inclusion(GetInclusionProofRequest) -> GetInclusionProofResponse via get_inclusion_proof, call;
    /// Shows that one tree is the beginning of another.
    consistency(GetConsistencyProofRequest) -> GetConsistencyProofResponse via get_consistency_proof, call;
    /// Hashes of the tree.
    tile(GetTileRequest) -> GetTileResponse via get_tile, call;
    /// Leaves as they are; the reading is on record.
    leaves(ListLeavesRequest) -> ListLeavesResponse via list_leaves, call;
}
