//! `DELETE /v1/people/{user}`

use axum::extract::State;
use domain::{ShopError, UserId};
use event_log::{ExecuteError, Metadata};
use processes::people::{ErasePersonError, erase_person};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::open_business::find_open_business;
use crate::answer::Written;
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, NoBody};
use crate::{ApiError, ApiState};

/// An id that leads to nobody any more.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Erased)]
pub(crate) struct ErasedBody {
    user_id: Uuid,
    /// Where the log says so.
    position: u64,
}

/// Erase a person: for admins. Once more changes nothing
#[utoipa::path(delete, path = "/v1/people/{user}", tag = "people", params(("user" = Uuid, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = ErasedBody),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "`erasure_refused`, with a reason: open_ticket, upcoming_room, open_refund, \
        open_dispute or open_balance", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn erase_person_by_admin(
    State(state): State<ApiState>,
    caller: Caller,
    Id(user): Id<UserId>,
    _: NoBody,
) -> Result<Written<ErasedBody>, ApiError> {
    caller.require_admin()?;
    if !state.processes.deps().people.is_known(user).await? {
        return Err(ApiError::NotFound);
    }
    erase(&state, user, caller.user_id, caller.admin_metadata()).await
}

pub(super) async fn erase(
    state: &ApiState,
    person: UserId,
    by: UserId,
    metadata: Metadata,
) -> Result<Written<ErasedBody>, ApiError> {
    if let Some(reason) = find_open_business(state, person).await? {
        return Err(ApiError::ErasureRefused { reason });
    }
    let erased = erase_person(state.processes.deps(), person, by, state.now(), metadata).await;
    let position = erased.map_err(|error| match error {
        ErasePersonError::Record(error) => unrecorded(error),
        ErasePersonError::Delete(error) => error.into(),
    })?;
    let body = ErasedBody {
        user_id: person.as_uuid(),
        position,
    };
    Ok(Written::changed(position, body))
}

/// The shop never refuses an erasure.
fn unrecorded(error: ExecuteError<ShopError>) -> ApiError {
    match error {
        ExecuteError::Conflict => ApiError::Conflict,
        ExecuteError::Overloaded => ApiError::Overloaded,
        ExecuteError::Unavailable(_) => ApiError::LogUnavailable(Box::new(error)),
        ExecuteError::Refused(_) | ExecuteError::Corrupt(_) | ExecuteError::Rejected(_) => {
            ApiError::Internal(Box::new(error))
        }
    }
}
