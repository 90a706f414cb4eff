//! `DELETE /v1/me/profile`

use axum::extract::State;

use super::profile::ProfileBody;
use crate::answer::Written;
use crate::extract::{Caller, NoBody};
use crate::{ApiError, ApiState};

/// Take back what one is called in rooms: it is deleted with its key. Once more changes nothing
#[utoipa::path(delete, path = "/v1/me/profile", tag = "people", security(("bearer" = [])), responses(
    (status = 200, body = ProfileBody),
))]
pub(crate) async fn clear_my_profile(
    State(state): State<ApiState>,
    caller: Caller,
    _: NoBody,
) -> Result<Written<ProfileBody>, ApiError> {
    state.processes.deps().people.clear_name(caller.user_id).await?;
    Ok(Written::changed(state.durable_position(), ProfileBody::default()))
}
