//! `GET /v1/me/profile`

use axum::extract::State;

use super::profile::ProfileBody;
use crate::answer::{IfNoneMatch, One};
use crate::extract::Caller;
use crate::{ApiError, ApiState};

/// What the caller is called in rooms
#[utoipa::path(get, path = "/v1/me/profile", tag = "people", security(("bearer" = [])), responses(
    (status = 200, body = ProfileBody),
    (status = 304, description = "As it was."),
))]
pub(crate) async fn read_my_profile(
    State(state): State<ApiState>,
    caller: Caller,
    known: IfNoneMatch,
) -> Result<One<ProfileBody>, ApiError> {
    let name = state.processes.deps().people.name(caller.user_id).await?;
    Ok(One::new(name.map(ProfileBody::from).unwrap_or_default(), known))
}
