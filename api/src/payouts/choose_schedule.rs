//! `PUT /v1/me/payout_schedule`

use axum::extract::State;
use domain::PayoutCommand;
use domain::payout::PayoutSchedule;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::answer::Written;
use crate::extract::{Caller, JsonBody, Moment};
use crate::{ApiError, ApiState};

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ScheduleName {
    OnRequest,
    Monthly,
}

impl From<PayoutSchedule> for ScheduleName {
    fn from(schedule: PayoutSchedule) -> Self {
        match schedule {
            PayoutSchedule::OnRequest => Self::OnRequest,
            PayoutSchedule::Monthly => Self::Monthly,
        }
    }
}

impl From<ScheduleName> for PayoutSchedule {
    fn from(name: ScheduleName) -> Self {
        match name {
            ScheduleName::OnRequest => Self::OnRequest,
            ScheduleName::Monthly => Self::Monthly,
        }
    }
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PayoutScheduleRequest {
    schedule: ScheduleName,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PayoutSchedule)]
pub(crate) struct PayoutScheduleBody {
    schedule: ScheduleName,
    /// When all that is available then is paid by itself.
    next_payout_at: Option<Moment>,
}

/// Choose when I am paid: when I ask, or also on the first of each month (UTC)
#[utoipa::path(put, path = "/v1/me/payout_schedule", tag = "earnings", request_body = PayoutScheduleRequest,
    security(("bearer" = [])), responses((status = 200, body = PayoutScheduleBody)))]
pub(crate) async fn choose_payout_schedule(
    State(state): State<ApiState>,
    caller: Caller,
    JsonBody(body): JsonBody<PayoutScheduleRequest>,
) -> Result<Written<PayoutScheduleBody>, ApiError> {
    let (schedule, at) = (body.schedule.into(), state.now());
    let choose = PayoutCommand::ChooseSchedule { schedule, at };
    let accounts = &state.aggregates.payouts;
    let chosen = accounts
        .execute(caller.user_id.as_uuid(), choose, caller.metadata())
        .await?;
    let body = PayoutScheduleBody {
        schedule: body.schedule,
        next_payout_at: next_payout_at(schedule, at),
    };
    Ok(Written::changed(chosen.position, body))
}

/// `None` for who is paid when they ask.
pub(crate) fn next_payout_at(schedule: PayoutSchedule, now: domain::Timestamp) -> Option<Moment> {
    (schedule == PayoutSchedule::Monthly).then(|| processes::monthly::next_month(now).into())
}
