//! `GET /v1/log/checkpoints`

use axum::extract::State;

use super::checkpoint::CheckpointBody;
use crate::answer::Page;
use crate::error::ProblemBody;
use crate::extract::{Caller, FromQuery, Query, QueryParams, take_limit, take_position};
use crate::{ApiError, ApiState};

#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CheckpointsQuery {
    /// How many at most: 1 to 200, 50 if absent.
    #[param(minimum = 1, maximum = 200, default = 50, required = false)]
    limit: u32,
    /// The `next` of the page before: a size.
    #[param(value_type = Option<String>, pattern = "^[0-9]{1,18}$")]
    after: Option<u64>,
}

impl FromQuery for CheckpointsQuery {
    fn from_query(parameters: &mut QueryParams) -> Self {
        Self {
            limit: take_limit(parameters),
            after: take_position(parameters, "after"),
        }
    }
}

/// The notary's checkpoints, from the smallest on. Of those older than an hour the last one of each minute is kept
#[utoipa::path(get, path = "/v1/log/checkpoints", tag = "log", params(CheckpointsQuery), security(("bearer" = [])), responses(
    (status = 200, body = Page<CheckpointBody>),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn list_log_checkpoints(
    State(state): State<ApiState>,
    caller: Caller,
    Query(query): Query<CheckpointsQuery>,
) -> Result<Page<CheckpointBody>, ApiError> {
    caller.require_log_reader()?;
    let signed = state.notary.list(query.after.unwrap_or(0), query.limit).await?;
    Ok(Page::of(
        signed,
        query.limit,
        |signed| signed.size,
        CheckpointBody::from,
    ))
}
