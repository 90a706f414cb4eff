//! `DELETE /v1/me/bans/{user}`

use axum::extract::State;
use domain::{PayoutCommand, UserId};

use super::list::{MyBansBody, change};
use crate::answer::Written;
use crate::extract::{Caller, Id, NoBody};
use crate::{ApiError, ApiState};

/// End a ban from all rooms of the caller. Who is banned from one of them besides stays banned there
#[utoipa::path(delete, path = "/v1/me/bans/{user}", tag = "stage", params(("user" = Uuid, Path)),
    security(("bearer" = [])), responses(
    (status = 202, body = MyBansBody),
))]
pub(crate) async fn unban_from_my_rooms(
    State(state): State<ApiState>,
    caller: Caller,
    Id(user): Id<UserId>,
    _: NoBody,
) -> Result<Written<MyBansBody>, ApiError> {
    let command = PayoutCommand::UnbanGuest { user, at: state.now() };
    change(&state, &caller, command).await
}
