//! `POST /v1/days/{date}/seal`

use axum::extract::State;
use domain::{Shop, ShopCommand, ShopEvent};
use projections::View;
use projections::statements::find_day;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::books::look_up;
use super::day::{Day, DayBody};
use crate::answer::Written;
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, IdempotencyKey, OptionalJsonBody};
use crate::{ApiError, ApiState};

#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SealRequest {
    /// Seal it although lines have not been reconciled for more than 48 hours: a word that says why, for the record.
    #[serde(default)]
    #[schema(pattern = "^[a-z0-9_]{1,64}$")]
    force_reason: Option<String>,
}

/// Seal a day that is over: its totals go on the log. A day that is sealed stays as it is
#[utoipa::path(post, path = "/v1/days/{date}/seal", tag = "ledger", request_body = SealRequest,
    params(("date" = String, Path, pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", description = "`2026-11-24`"),
        ("Idempotency-Key" = String, Header, min_length = 8, max_length = 128, pattern = "^[!-~]+$",
        description = "8 to 128 visible characters")),
    security(("bearer" = [])), responses(
    (status = 201, body = DayBody),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "`wrong_state`: the day is not over, or another one is the next · `unreconciled`",
        body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "`projection_behind`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn seal_day(
    State(state): State<ApiState>,
    caller: Caller,
    Id(Day(date)): Id<Day>,
    key: IdempotencyKey,
    OptionalJsonBody(body): OptionalJsonBody<SealRequest>,
) -> Result<Written<DayBody>, ApiError> {
    caller.require_finance()?;
    let shop = &state.aggregates.shop;
    let (is_sealed, known) = shop.read(Shop::ID.as_uuid(), move |shop| shop.is_sealed(date)).await?;
    let position = if is_sealed {
        known
    } else {
        let seal = look_up(&state, date, body.force_reason, caller.user_id).await?;
        let command = ShopCommand::SealDay(Box::new(seal));
        let metadata = caller.keyed_metadata(&key);
        let executed = shop.execute(Shop::ID.as_uuid(), command, metadata).await?;
        if let Some(ShopEvent::DaySealed(day)) = executed.events.into_iter().next() {
            return Ok(written((day, executed.position).into(), Day(date), executed.position));
        }
        executed.position
    };
    state.wait_for(View::Statements, Some(position)).await?;
    let day = find_day(&state.pool, date).await?.ok_or(ApiError::ProjectionBehind)?;
    let sealed_position = day.1;
    Ok(written(day.into(), Day(date), sealed_position))
}

fn written(body: DayBody, date: Day, position: u64) -> Written<DayBody> {
    Written::created(format!("/v1/days/{date}"), position, body)
}
