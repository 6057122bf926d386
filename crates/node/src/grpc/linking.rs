//! LinkService: what other nodes use.

use std::sync::Arc;

use barid_link::identity::Identity;
use barid_link::stub::federation::link_service_server::LinkService;
use barid_link::tls::PeerIdentity;
use barid_message::Reason;
use barid_proto::federation::v1::{OpenLinkRequest, OpenLinkResponse};
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Extensions, Request, Response, Status, Streaming};

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
        let peer = self.caller(request.extensions()).await?;
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

impl Links {
    /// The node that calls: one with a card here, with a key that is on it. A
    /// certificate of its CA alone is not enough (GUARANTEES row 10).
    async fn caller(&self, call: &Extensions) -> Result<Arc<str>, Status> {
        let caller = call.get::<PeerIdentity>();
        let identity = caller.and_then(|caller| caller.identity().ok());
        let named = identity.filter(|identity| matches!(identity, Identity::Node { .. }));
        let text = named.map(ToString::to_string).unwrap_or_default();
        let registry = self.0.broker.registry();
        let peer = registry.peer(&text).filter(|peer| {
            let is_pinned = caller.is_some_and(|caller| {
                peer.tls_keys.iter().any(|key| key.as_ref() == caller.key().0.as_slice())
            });
            is_pinned && self.0.broker.now() < peer.valid_until
        });
        match peer {
            Some(peer) => Ok(Arc::clone(&peer.identity)),
            None => {
                let text_for_caller = "no card here names you with this TLS key; exchange cards with this node's operator";
                let reason = Reason::IdentityUnknown;
                Err(self.0.refuse_on_record(&text, reason, text_for_caller).await)
            }
        }
    }
}
