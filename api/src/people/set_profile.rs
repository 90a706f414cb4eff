//! `PUT /v1/me/profile`

use axum::extract::State;
use processes::people::DisplayName;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::profile::ProfileBody;
use crate::answer::Written;
use crate::extract::{Caller, JsonBody};
use crate::{ApiError, ApiState};

#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProfileRequest {
    /// 1 to 80 characters on one line, without invisible ones; spaces around it are taken away. It need not be anybody's alone.
    display_name: String,
}

impl ProfileRequest {
    fn into_name(self) -> Result<DisplayName, ApiError> {
        let name = self.display_name.parse::<DisplayName>();
        name.map_err(|reason| ApiError::invalid("/display_name", reason.to_string()))
    }
}

/// Say what one is called in rooms. Kept under lock outside the log, until the person takes it back or is erased; the media server
/// is told with the next entry
#[utoipa::path(put, path = "/v1/me/profile", tag = "people", request_body = ProfileRequest, security(("bearer" = [])),
    responses((status = 200, body = ProfileBody)))]
pub(crate) async fn set_my_profile(
    State(state): State<ApiState>,
    caller: Caller,
    JsonBody(body): JsonBody<ProfileRequest>,
) -> Result<Written<ProfileBody>, ApiError> {
    let name = body.into_name()?;
    if !state.processes.deps().people.set_name(caller.user_id, &name).await? {
        // Erased between the token's check and here.
        return Err(ApiError::NotFound);
    }
    Ok(Written::changed(state.durable_position(), name.into()))
}
