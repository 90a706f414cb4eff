//! `PATCH /v1/rooms/{room}`: the host changes what is sold from now on.

use axum::extract::State;
use domain::payout::HostPermit;
use domain::room::{ReviseRoom, Revision};
use domain::{Room, RoomCommand, RoomError, RoomId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::room::{RoomBody, change};
use crate::answer::{ReadBack, Written};
use crate::error::ProblemBody;
use crate::extract::{Caller, Fields, Id, JsonBody, Moment};
use crate::hosts::permit_of;
use crate::shapes::{MoneyBody, PromoCodeRequest, RecordingTermsBody, RefundPolicyBody, TierRequest, promo_codes};
use crate::{ApiError, ApiState};

/// What is to be otherwise; what is absent stays. Tickets that are held or sold keep their price and their terms.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReviseRoomRequest {
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    description: Option<String>,
    /// BCP 47
    #[serde(default)]
    language: Option<String>,
    /// In the same currency.
    #[serde(default)]
    price: Option<MoneyBody>,
    /// Not below what is held and sold.
    #[serde(default)]
    capacity: Option<u32>,
    #[serde(default)]
    sales_open_at: Option<Moment>,
    #[serde(default)]
    sales_close_at: Option<Moment>,
    #[serde(default)]
    tickets_per_buyer: Option<u32>,
    #[serde(default)]
    hold_seconds: Option<u32>,
    /// Until the first sale.
    #[serde(default)]
    refund_policy: Option<RefundPolicyBody>,
    /// Until the first sale.
    #[serde(default)]
    no_show_minutes: Option<u32>,
    /// For offers from now on.
    #[serde(default)]
    offer_seconds: Option<u32>,
    #[serde(default)]
    transferable: Option<bool>,
    /// New ones, and known ones as they shall be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tiers: Vec<TierRequest>,
    /// New ones, and known ones as they shall be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    promo_codes: Vec<PromoCodeRequest>,
    /// As a whole. Whether there are recordings is settled when the room opens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recording: Option<RecordingTermsBody>,
}

impl ReviseRoomRequest {
    fn into_wish(self, room: RoomId, retention_days: u32) -> Result<Revision, ApiError> {
        let mut fields = Fields::default();
        let refund_policy = self.refund_policy.map(|policy| policy.parse(&mut fields));
        let promo_codes = promo_codes(self.promo_codes, room, &mut fields);
        fields.finish()?;
        Ok(Revision {
            title: self.title,
            description: self.description,
            language: self.language,
            price: self.price.map(Into::into),
            capacity: self.capacity,
            sales_open_at: self.sales_open_at.map(|at| at.0),
            sales_close_at: self.sales_close_at.map(|at| at.0),
            tickets_per_buyer: self.tickets_per_buyer,
            hold_seconds: self.hold_seconds,
            refund_policy,
            no_show_minutes: self.no_show_minutes,
            offer_seconds: self.offer_seconds,
            transferable: self.transferable,
            tiers: self.tiers.into_iter().map(Into::into).collect(),
            promo_codes,
            recording: self.recording.map(|terms| terms.into_terms(retention_days)),
        })
    }
}

/// Change a room: host or admin. What was sold keeps its terms
#[utoipa::path(patch, path = "/v1/rooms/{room}", tag = "rooms", params(("room" = Uuid, Path)),
    request_body = ReviseRoomRequest, security(("bearer" = [])), responses(
    (status = 200, body = RoomBody),
    (status = 403, description = "`forbidden` · `host_not_approved` · `host_suspended` · `not_rolled_out`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "`room_over` · `wrong_state` · `frozen_after_first_sale` · `capacity_below_sold` · `terms_not_accepted` · `no_payout_destination`",
        body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn revise_room(
    State(state): State<ApiState>,
    caller: Caller,
    Id(room): Id<RoomId>,
    JsonBody(body): JsonBody<ReviseRoomRequest>,
) -> Result<Written<ReadBack<RoomBody>>, ApiError> {
    let wish = body.into_wish(room, state.keeping.retention_days)?;
    let (by, metadata) = caller.authority();
    let command = RoomCommand::Revise(Box::new(ReviseRoom {
        by,
        permit: permit(&state, room).await?,
        wish,
        preset: state.preset.clone(),
        at: state.now(),
    }));
    let (position, body) = change(&state, room, command, metadata).await?;
    Ok(Written::changed(position, body))
}

/// Of the room's host, whoever asks.
async fn permit(state: &ApiState, room: RoomId) -> Result<HostPermit, ApiError> {
    let host_of = |room: &Room| room.facts().map(|facts| facts.host);
    let (host, _) = state.aggregates.rooms.read(room.as_uuid(), host_of).await?;
    let host = host.ok_or(RoomError::NotScheduled)?;
    permit_of(state, host).await
}
