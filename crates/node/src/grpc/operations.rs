//! OperationsService: what operators use.

use barid_broker::state::Phase;
use barid_link::stub::operations::operations_service_server::OperationsService;
use barid_proto::operations::v1::{
    ConfirmClockRequest, ConfirmClockResponse, ConfirmWriteOffRequest, ConfirmWriteOffResponse,
    DropDeadLetterRequest, DropDeadLetterResponse, ExportEvidenceRequest, GetDeadLetterRequest,
    GetDeadLetterResponse, GetDiskUsageRequest, GetDiskUsageResponse, GetNodeStatusRequest,
    GetNodeStatusResponse, GetStatusRequest, GetStatusResponse, ListDeadLettersRequest,
    ListDeadLettersResponse, ListEventsRequest, ListEventsResponse, ListPeersRequest,
    ListPeersResponse, ListQueuesRequest, ListQueuesResponse, ProposeWriteOffRequest,
    ProposeWriteOffResponse, RenewPeerRequest, RenewPeerResponse, RetryDeadLetterRequest,
    RetryDeadLetterResponse, Scrubbing, TailEventsRequest, TailEventsResponse, TakeForLostRequest,
    TakeForLostResponse, Totals, TraceMessageRequest, TraceMessageResponse,
    WithdrawWriteOffRequest, WithdrawWriteOffResponse,
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::export::Chunks;
use super::status::status;
use super::{Services, disk, events, export, health, letters, peers, timestamp, trace, write_offs};

/// The handlers.
pub(crate) struct Operations(pub(crate) Services);

#[tonic::async_trait]
impl OperationsService for Operations {
    async fn get_status(
        &self,
        request: Request<GetStatusRequest>,
    ) -> Result<Response<GetStatusResponse>, Status> {
        self.0.watcher(request.extensions()).await?;
        health::get(&self.0).await.map(Response::new)
    }

    async fn get_node_status(
        &self,
        request: Request<GetNodeStatusRequest>,
    ) -> Result<Response<GetNodeStatusResponse>, Status> {
        self.0.operator(request.extensions()).await?;
        node_status(&self.0).await.map(Response::new)
    }

    type TailEventsStream = ReceiverStream<Result<TailEventsResponse, Status>>;

    async fn tail_events(
        &self,
        request: Request<TailEventsRequest>,
    ) -> Result<Response<Self::TailEventsStream>, Status> {
        let operator = self.0.operator(request.extensions()).await?;
        events::tail(&self.0, operator, request.into_inner()).map(Response::new)
    }

    async fn list_events(
        &self,
        request: Request<ListEventsRequest>,
    ) -> Result<Response<ListEventsResponse>, Status> {
        let operator = self.0.operator(request.extensions()).await?;
        events::list(&self.0, &operator, request.into_inner()).await.map(Response::new)
    }

    async fn trace_message(
        &self,
        request: Request<TraceMessageRequest>,
    ) -> Result<Response<TraceMessageResponse>, Status> {
        let operator = self.0.operator(request.extensions()).await?;
        trace::trace(&self.0, &operator, request.into_inner()).await.map(Response::new)
    }

    type ExportEvidenceStream = Chunks;

    async fn export_evidence(
        &self,
        request: Request<ExportEvidenceRequest>,
    ) -> Result<Response<Self::ExportEvidenceStream>, Status> {
        let operator = self.0.operator(request.extensions()).await?;
        export::export(&self.0, operator, request.into_inner()).map(Response::new)
    }

    async fn list_queues(
        &self,
        request: Request<ListQueuesRequest>,
    ) -> Result<Response<ListQueuesResponse>, Status> {
        self.0.operator(request.extensions()).await?;
        letters::queues(&self.0, request.into_inner()).await.map(Response::new)
    }

    async fn get_disk_usage(
        &self,
        request: Request<GetDiskUsageRequest>,
    ) -> Result<Response<GetDiskUsageResponse>, Status> {
        self.0.operator(request.extensions()).await?;
        disk::usage(&self.0).await.map(Response::new)
    }

    async fn list_peers(
        &self,
        request: Request<ListPeersRequest>,
    ) -> Result<Response<ListPeersResponse>, Status> {
        self.0.operator(request.extensions()).await?;
        peers::list(&self.0, request.into_inner()).await.map(Response::new)
    }

    async fn renew_peer(
        &self,
        request: Request<RenewPeerRequest>,
    ) -> Result<Response<RenewPeerResponse>, Status> {
        let operator = self.0.operator(request.extensions()).await?;
        peers::renew(&self.0, &operator, &request.into_inner()).await.map(Response::new)
    }

    async fn list_dead_letters(
        &self,
        request: Request<ListDeadLettersRequest>,
    ) -> Result<Response<ListDeadLettersResponse>, Status> {
        self.0.operator(request.extensions()).await?;
        letters::list(&self.0, request.into_inner()).await.map(Response::new)
    }

    async fn get_dead_letter(
        &self,
        request: Request<GetDeadLetterRequest>,
    ) -> Result<Response<GetDeadLetterResponse>, Status> {
        let operator = self.0.operator(request.extensions()).await?;
        letters::get(&self.0, &operator, request.into_inner()).await.map(Response::new)
    }

    async fn retry_dead_letter(
        &self,
        request: Request<RetryDeadLetterRequest>,
    ) -> Result<Response<RetryDeadLetterResponse>, Status> {
        let operator = self.0.operator(request.extensions()).await?;
        letters::retry(&self.0, &operator, request.into_inner()).await.map(Response::new)
    }

    async fn drop_dead_letter(
        &self,
        request: Request<DropDeadLetterRequest>,
    ) -> Result<Response<DropDeadLetterResponse>, Status> {
        let operator = self.0.operator(request.extensions()).await?;
        letters::drop_letter(&self.0, &operator, request.into_inner()).await.map(Response::new)
    }

    async fn propose_write_off(
        &self,
        request: Request<ProposeWriteOffRequest>,
    ) -> Result<Response<ProposeWriteOffResponse>, Status> {
        let operator = self.0.operator(request.extensions()).await?;
        write_offs::propose(&self.0, &operator, request.into_inner()).await.map(Response::new)
    }

    async fn confirm_write_off(
        &self,
        request: Request<ConfirmWriteOffRequest>,
    ) -> Result<Response<ConfirmWriteOffResponse>, Status> {
        let operator = self.0.operator(request.extensions()).await?;
        write_offs::confirm(&self.0, &operator, request.into_inner()).await.map(Response::new)
    }

    async fn withdraw_write_off(
        &self,
        request: Request<WithdrawWriteOffRequest>,
    ) -> Result<Response<WithdrawWriteOffResponse>, Status> {
        let operator = self.0.operator(request.extensions()).await?;
        write_offs::withdraw(&self.0, &operator, request.into_inner()).await.map(Response::new)
    }

    async fn confirm_clock(
        &self,
        request: Request<ConfirmClockRequest>,
    ) -> Result<Response<ConfirmClockResponse>, Status> {
        let operator = self.0.operator(request.extensions()).await?;
        let confirmed = self.0.broker.confirm_clock(operator.identity.to_string()).await;
        confirmed.map_err(|refusal| status(&refusal))?;
        Ok(Response::new(ConfirmClockResponse { time: timestamp(self.0.broker.now()) }))
    }

    async fn take_for_lost(
        &self,
        request: Request<TakeForLostRequest>,
    ) -> Result<Response<TakeForLostResponse>, Status> {
        let operator = self.0.operator(request.extensions()).await?;
        let taken = self.0.broker.take_for_lost(operator.identity.to_string()).await;
        taken.map_err(|refusal| status(&refusal))?;
        Ok(Response::new(TakeForLostResponse {}))
    }
}

async fn node_status(services: &Services) -> Result<GetNodeStatusResponse, Status> {
    let broker = &services.broker;
    let seen = broker
        .inspect(|state| {
            let phases = || state.deliveries().map(|(_, delivery)| &delivery.phase);
            let dead = phases().filter(|phase| matches!(phase, Phase::Dead(_))).count();
            let unreadable = phases().filter(|phase| **phase == Phase::Unreadable).count();
            let damages = state.damages().open();
            (state.totals(), [phases().count(), dead, unreadable], state.clock_suspect(), damages)
        })
        .await;
    let (totals, [outstanding, dead_letters, unreadable], clock_suspect, damages) =
        seen.map_err(|refusal| status(&refusal))?;
    let scrubbing = *broker.scrubbing().borrow();
    Ok(GetNodeStatusResponse {
        node: services.identity.clone(),
        name: services.name.clone(),
        program_version: env!("CARGO_PKG_VERSION").to_owned(),
        start_no: services.start_no,
        durable_position: broker.durable(),
        projected_position: broker.view().map_or(0, |log| log.applied()),
        clock_suspect,
        totals: Some(Totals {
            accepted: totals.accepted,
            refused: totals.refused,
            deliveries: totals.deliveries,
            handed_over: totals.handed_over,
            refused_deliveries: totals.refused_deliveries,
            expired: totals.expired,
            non_delivered: totals.non_delivered,
            outstanding: outstanding as u64,
            dead_letters: dead_letters as u64,
            unreadable: unreadable as u64,
        }),
        time: timestamp(broker.now()),
        storage_full: !broker.has_room(),
        damages,
        scrubbing: Some(Scrubbing { passes: scrubbing.passes, bytes: scrubbing.bytes }),
    })
}
