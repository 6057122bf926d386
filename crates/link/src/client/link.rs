//! The calling end of a link between nodes.

use barid_proto::federation::v1::{Frame, OpenLinkRequest, OpenLinkResponse};
use http::Uri;
use thiserror::Error;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Status, Streaming};

use super::channel::endpoint;
use super::error::CallError;
use crate::caps;
use crate::stub::federation::link_service_client::LinkServiceClient;
use crate::tls::{ConnectError, Connector, certificate_end_unix_s};

/// Why a link could not be opened.
#[derive(Debug, Error)]
pub enum OpenLinkError {
    /// There is no connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The connection broke, or was not one.
    #[error("the connection to the node broke")]
    Transport(#[source] tonic::transport::Error),
    /// The node does not want it.
    #[error(transparent)]
    Refused(#[from] CallError),
    /// It did not answer in time.
    #[error("the node does not answer")]
    NoAnswer,
}

/// A link that was opened.
#[derive(Debug)]
pub struct OpenLink {
    /// What the node says.
    pub said: Streaming<OpenLinkResponse>,
    /// The connection, for what is asked beside the link.
    pub channel: Channel,
    /// When its certificate ends, in seconds since 1970.
    pub certificate_end_unix_s: Option<i64>,
}

/// Calls a node and opens a link: `frames` go to it, what it says comes back.
///
/// # Errors
/// [`OpenLinkError`].
pub async fn open_link(
    connector: &Connector,
    frames: mpsc::Receiver<Frame>,
) -> Result<OpenLink, OpenLinkError> {
    // Connected first and by itself: what fails here says why.
    let stream = connector.connect().await?;
    let certificate_end_unix_s = certificate_end_unix_s(&stream);
    let mut stream = Some(stream);
    let channel = endpoint(connector)
        .connect_with_connector(tower::service_fn(move |_uri: Uri| {
            let stream = stream.take().ok_or(ConnectError::NoAnswer);
            async move { stream }
        }))
        .await
        .map_err(OpenLinkError::Transport)?;
    let mut client = LinkServiceClient::new(channel.clone())
        .max_decoding_message_size(caps::GRPC_MESSAGE_BYTES)
        .max_encoding_message_size(caps::GRPC_MESSAGE_BYTES);
    let requests = ReceiverStream::new(frames).map(|frame| OpenLinkRequest { frame: Some(frame) });
    let opened = timeout(caps::CALL_DEADLINE, client.open_link(requests));
    let refused = |status: Status| OpenLinkError::from(CallError::from_status(&status));
    let response = opened.await.map_err(|_elapsed| OpenLinkError::NoAnswer)?.map_err(refused)?;
    Ok(OpenLink { said: response.into_inner(), channel, certificate_end_unix_s })
}
