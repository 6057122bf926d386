//! LinkService: what other nodes use.

use barid_link::stub::federation::link_service_server::LinkService;
use barid_link::tls::PeerIdentity;
use barid_message::Reason;
use barid_proto::federation::v1::{OpenLinkRequest, OpenLinkResponse};
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::Services;
use super::status::refuse;
use crate::link::{Channel, FRAMES_MAX, Frames, run};

/// The handlers.
pub(crate) struct Links(pub(crate) Services);

type Responses =
    std::pin::Pin<Box<dyn tokio_stream::Stream<Item = Result<OpenLinkResponse, Status>> + Send>>;

#[tonic::async_trait]
impl LinkService for Links {
    type OpenLinkStream = Responses;

    async fn open_link(
        &self,
        request: Request<Streaming<OpenLinkRequest>>,
    ) -> Result<Response<Self::OpenLinkStream>, Status> {
        let peer = self.0.peer(request.extensions()).await?;
        let shown = request.extensions().get::<PeerIdentity>();
        let certificate_end_unix_s = shown.map(PeerIdentity::not_after_unix_s);
        let Some(seat) = self.0.hub.sit(&peer, false) else {
            let text = "both nodes called at once; the other call stays";
            return Err(refuse(Reason::LinkFenced, text));
        };
        let (out, responses) = mpsc::channel(FRAMES_MAX);
        let frames: Frames = Box::pin(
            request
                .into_inner()
                .map(|request| request.map(|request| request.frame.unwrap_or_default())),
        );
        let services = self.0.clone();
        self.0.tasks.spawn(async move {
            let channel = Channel { peer, frames, out, certificate_end_unix_s };
            drop(Box::pin(run(&services, seat, channel)).await);
        });
        let responses =
            ReceiverStream::new(responses).map(|frame| Ok(OpenLinkResponse { frame: Some(frame) }));
        Ok(Response::new(Box::pin(responses)))
    }
}
