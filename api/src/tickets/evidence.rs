//! `GET /v1/tickets/{ticket}/evidence`: what a bank is shown in a dispute, in one call.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use domain::room::PresenceInterval;
use domain::ticket::{Dispute, DisputeState};
use domain::{Room, Ticket, TicketId};
use event_log::{RecordedEvent, StreamId};
use http::HeaderMap;
use http::header::ACCEPT;
use projections::View;
use projections::presence::{AttendanceRow, attendance};
use projections::tickets::TicketRow;
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

use super::evidence_page::page;
use super::lookup::known_ticket;
use super::ticket::TicketBody;
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, MinPosition, Moment, Query, hex};
use crate::shapes::{InterruptionBody, MoneyBody, PresenceBody, VerdictBody};
use crate::{ApiError, ApiState};

/// More events than a ticket with all its attempts, refunds and disputes has.
const EVENTS_MAX: usize = 1_000;

/// All that the shop knows of a sale and of what became of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Evidence)]
pub(crate) struct EvidenceBody {
    pub(super) ticket: TicketBody,
    pub(super) host_id: Uuid,
    /// Hex SHA-256 of the terms as they are recorded with the sale.
    pub(super) terms_sha256: String,
    /// Where the customer is, and how that is known.
    #[schema(value_type = Vec<Object>)]
    pub(super) country_evidence: Vec<domain::CountryEvidence>,
    pub(super) disputes: Vec<DisputeBody>,
    /// When the door was opened to the holder.
    pub(super) admitted_at: Vec<Moment>,
    /// When the holder was in the room, and how that is known.
    pub(super) presence: Vec<PresenceBody>,
    /// How long the host's side was heard, in milliseconds, once the room was judged.
    pub(super) host_heard_ms: Option<u64>,
    /// For how much of that the holder was there.
    pub(super) host_heard_by_holder_ms: Option<u64>,
    pub(super) delivered: Option<bool>,
    pub(super) verdict: Option<VerdictBody>,
    /// When nobody could be heard, or nobody looked.
    pub(super) interruptions: Vec<InterruptionBody>,
    /// The facts behind all this, each with its place and the chain's value there.
    pub(super) events: Vec<FactBody>,
    /// The log's end when this was written, so that anybody can check the chain up to there.
    pub(super) log_position: u64,
    pub(super) log_hash: String,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Dispute)]
pub(super) struct DisputeBody {
    pub(super) dispute: String,
    pub(super) payment_id: Uuid,
    pub(super) amount: MoneyBody,
    /// `open`, `won` or `lost`
    #[schema(value_type = String)]
    pub(super) state: DisputeState,
}

impl From<&Dispute> for DisputeBody {
    fn from(dispute: &Dispute) -> Self {
        Self {
            dispute: dispute.dispute.clone(),
            payment_id: dispute.payment_id.as_uuid(),
            amount: dispute.amount.into(),
            state: dispute.state,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Fact)]
pub(crate) struct FactBody {
    pub(crate) position: u64,
    pub(crate) event_type: String,
    pub(crate) recorded_at: Moment,
    pub(crate) payload_sha256: String,
    /// Hex SHA-256: the chain's value at this position.
    pub(crate) hash: String,
}

impl From<RecordedEvent> for FactBody {
    fn from(event: RecordedEvent) -> Self {
        Self {
            position: event.position,
            event_type: event.event_type,
            recorded_at: event.recorded_at.into(),
            payload_sha256: hex(&Sha256::digest(&event.payload)),
            hash: hex(&event.hash),
        }
    }
}

/// The evidence for a dispute: JSON, or a page to print for `Accept: text/html`. For finance and the room's host
#[utoipa::path(get, path = "/v1/tickets/{ticket}/evidence", tag = "tickets", params(("ticket" = Uuid, Path), MinPosition),
    security(("bearer" = [])), responses(
    (status = 200, content((EvidenceBody = "application/json"), (String = "text/html"))),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn read_evidence(
    State(state): State<ApiState>,
    caller: Caller,
    Id(ticket): Id<TicketId>,
    Query(MinPosition { min_position }): Query<MinPosition>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    for view in [View::Tickets, View::Presence] {
        state.wait_for(view, min_position).await?;
    }
    let evidence = gather(&state, &caller, ticket).await?;
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    if accept.is_some_and(|accept| accept.contains("text/html")) {
        return Ok(Html(page(&evidence)).into_response());
    }
    Ok(Json(evidence).into_response())
}

async fn gather(state: &ApiState, caller: &Caller, ticket: TicketId) -> Result<EvidenceBody, ApiError> {
    let row = known_ticket(state, ticket).await?;
    if row.host != caller.user_id && caller.require_finance().is_err() {
        return Err(ApiError::NotFound);
    }
    let look = |ticket: &Ticket| ticket.disputes().map(DisputeBody::from).collect::<Vec<_>>();
    let (disputes, _) = state.aggregates.tickets.read(ticket.as_uuid(), look).await?;
    let judged = attendance(&state.pool, row.room_id).await?;
    let by_holder = match &judged {
        Some(attendance) => Some(heard_by_holder(state, &row, attendance).await?),
        None => None,
    };
    let stream = StreamId {
        aggregate_type: "ticket",
        aggregate_id: Arc::from(ticket.to_string()),
    };
    let head = state.log.head().await?;
    let events = state.log.read_stream(&stream, 0, EVENTS_MAX).await?;
    let admitted = events.iter().filter(|event| event.event_type == "ticket_admitted");
    let terms = serde_json::to_vec(&row.terms).map_err(|error| ApiError::Internal(Box::new(error)))?;
    Ok(EvidenceBody {
        host_id: row.host.as_uuid(),
        terms_sha256: hex(&Sha256::digest(&terms)),
        country_evidence: row.terms.rules.evidence.clone(),
        disputes,
        admitted_at: admitted.map(|event| event.recorded_at.into()).collect(),
        host_heard_ms: judged.as_ref().map(|judged| judged.host_heard_ms),
        host_heard_by_holder_ms: by_holder,
        delivered: judged.as_ref().map(|judged| judged.delivered),
        verdict: judged.as_ref().and_then(|judged| judged.verdict.map(VerdictBody::from)),
        interruptions: judged
            .iter()
            .flat_map(|judged| judged.interruptions.iter().copied().map(InterruptionBody::from))
            .collect(),
        presence: judged
            .into_iter()
            .flat_map(|judged| judged.intervals)
            .filter(|stay| stay.ticket_id == Some(ticket))
            .map(PresenceBody::from)
            .collect(),
        ticket: row.into(),
        events: events.into_iter().map(FactBody::from).collect(),
        log_position: head.position,
        log_hash: hex(&head.hash),
    })
}

async fn heard_by_holder(state: &ApiState, row: &TicketRow, attendance: &AttendanceRow) -> Result<u64, ApiError> {
    let of_ticket = |stay: &&PresenceInterval| stay.ticket_id == Some(row.id);
    let heard = |room: &Room| {
        let host_side = room.facts()?.host_side_of(&attendance.intervals);
        Some(host_side.heard_in_ms(attendance.intervals.iter().filter(of_ticket)))
    };
    let (heard, _) = state.aggregates.rooms.read(row.room_id.as_uuid(), heard).await?;
    Ok(heard.unwrap_or(0))
}
