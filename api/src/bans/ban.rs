//! `PUT /v1/me/bans/{user}`

use axum::extract::State;
use domain::{PayoutCommand, UserId};

use super::list::{MyBansBody, change};
use crate::answer::Written;
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, NoBody};
use crate::{ApiError, ApiState};

/// Ban somebody from all rooms of the caller, now and later. Each room that is not over follows within moments
#[utoipa::path(put, path = "/v1/me/bans/{user}", tag = "stage", params(("user" = Uuid, Path)),
    security(("bearer" = [])), responses(
    (status = 202, body = MyBansBody),
    (status = 409, description = "`wrong_state` · `ban_limit_reached`",
        body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn ban_from_my_rooms(
    State(state): State<ApiState>,
    caller: Caller,
    Id(user): Id<UserId>,
    _: NoBody,
) -> Result<Written<MyBansBody>, ApiError> {
    let command = PayoutCommand::BanGuest {
        host: caller.user_id,
        user,
        at: state.now(),
    };
    change(&state, &caller, command).await
}
