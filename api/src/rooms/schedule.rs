//! `POST /v1/rooms`: a host schedules a room.

use axum::extract::State;
use domain::payout::HostPermit;
use domain::room::{SaleOptions, ScheduleRoom};
use domain::{RoomCommand, RoomId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::room::{RoomBody, read_back};
use crate::answer::{ReadBack, Written};
use crate::error::ProblemBody;
use crate::extract::{Caller, Fields, IdempotencyKey, JsonBody, Moment, fingerprint};
use crate::hosts::permit_of;
use crate::shapes::{MoneyBody, PromoCodeRequest, RecordingTermsBody, RefundPolicyBody, TierRequest, promo_codes};
use crate::{ApiError, ApiState};

const PATH: &str = "/v1/rooms";

/// A room to be. A priced one needs an approved host, who has accepted the terms of hosting and linked a payout destination.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScheduleRoomRequest {
    title: String,
    #[serde(default)]
    description: String,
    /// BCP 47
    #[serde(default = "default_language")]
    language: String,
    starts_at: Moment,
    #[serde(default = "default_planned_minutes")]
    planned_minutes: u32,
    /// 0 is a free room.
    price: MoneyBody,
    capacity: u32,
    /// At once, if absent.
    #[serde(default)]
    sales_open_at: Option<Moment>,
    /// The planned end, if absent.
    #[serde(default)]
    sales_close_at: Option<Moment>,
    #[serde(default = "default_tickets_per_buyer")]
    tickets_per_buyer: u32,
    #[serde(default = "default_hold_seconds")]
    hold_seconds: u32,
    #[serde(default)]
    refund_policy: RefundPolicyBody,
    #[serde(default = "default_no_show_minutes")]
    no_show_minutes: u32,
    /// How long an offer to somebody on the waiting list stands: 10 minutes, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    offer_seconds: Option<u32>,
    /// Tickets may change hands until their holder is admitted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    transferable: bool,
    /// Prices beside the room's own, in the order they are shown: 20 at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tiers: Vec<TierRequest>,
    /// 200 at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    promo_codes: Vec<PromoCodeRequest>,
    /// Not at all, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recording: Option<RecordingTermsBody>,
}

fn default_language() -> String {
    "en".to_owned()
}

const fn default_planned_minutes() -> u32 {
    60
}

const fn default_tickets_per_buyer() -> u32 {
    1
}

const fn default_hold_seconds() -> u32 {
    300
}

const fn default_no_show_minutes() -> u32 {
    15
}

impl ScheduleRoomRequest {
    fn into_command(
        self,
        state: &ApiState,
        room_id: RoomId,
        caller: &Caller,
        permit: HostPermit,
    ) -> Result<RoomCommand, ApiError> {
        let request = fingerprint(PATH, &self)?;
        let mut fields = Fields::default();
        let refund_policy = self.refund_policy.parse(&mut fields);
        let promo_codes = promo_codes(self.promo_codes, room_id, &mut fields);
        fields.finish()?;
        Ok(RoomCommand::Schedule(Box::new(ScheduleRoom {
            room_id,
            host: caller.user_id,
            permit,
            title: self.title,
            description: self.description,
            language: self.language,
            starts_at: self.starts_at.0,
            planned_minutes: self.planned_minutes,
            price: self.price.into(),
            capacity: self.capacity,
            sales_open_at: self.sales_open_at.map(|at| at.0),
            sales_close_at: self.sales_close_at.map(|at| at.0),
            tickets_per_buyer: self.tickets_per_buyer,
            hold_seconds: self.hold_seconds,
            refund_policy,
            no_show_minutes: self.no_show_minutes,
            sale: SaleOptions {
                offer_seconds: self.offer_seconds,
                transferable: self.transferable,
                tiers: self.tiers.into_iter().map(Into::into).collect(),
                promo_codes,
                recording: self
                    .recording
                    .map(|terms| terms.into_terms(state.keeping.retention_days)),
            },
            preset: state.preset.clone(),
            request,
            at: state.now(),
        })))
    }
}

/// Schedule a room
#[utoipa::path(post, path = "/v1/rooms", tag = "rooms", request_body = ScheduleRoomRequest,
    params(("Idempotency-Key" = String, Header, min_length = 8, max_length = 128, pattern = "^[!-~]+$",
        description = "8 to 128 visible characters")),
    security(("bearer" = [])), responses(
    (status = 201, body = RoomBody),
    (status = 403, description = "`host_not_approved` · `host_suspended` · `not_rolled_out`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "`terms_not_accepted` · `no_payout_destination`",
        body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn schedule_room(
    State(state): State<ApiState>,
    caller: Caller,
    key: IdempotencyKey,
    JsonBody(body): JsonBody<ScheduleRoomRequest>,
) -> Result<Written<ReadBack<RoomBody>>, ApiError> {
    let room_id = RoomId::from_uuid(key.id(caller.user_id, PATH));
    let permit = permit_of(&state, caller.user_id).await?;
    let command = body.into_command(&state, room_id, &caller, permit)?;
    let metadata = caller.keyed_metadata(&key);
    let executed = state
        .aggregates
        .rooms
        .execute(room_id.as_uuid(), command, metadata)
        .await?;
    let body = read_back(&state, room_id, executed.position).await;
    Ok(Written::created(format!("{PATH}/{room_id}"), executed.position, body))
}
