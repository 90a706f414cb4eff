//! `GET /v1/hosts`

use axum::extract::State;
use projections::View;
use projections::earnings::{self, HostRow, Standing};
use utoipa::IntoParams;

use super::host::HostBody;
use crate::answer::Page;
use crate::error::ProblemBody;
use crate::extract::{Caller, FromQuery, Paging, Query, QueryParams};
use crate::{ApiError, ApiState};

#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct HostsQuery {
    /// `none`, `applied`, `waitlisted`, `approved`, `declined` or `suspended`
    #[param(value_type = Option<String>)]
    standing: Option<Standing>,
}

impl FromQuery for (HostsQuery, Paging) {
    fn from_query(parameters: &mut QueryParams) -> Self {
        let standing = parameters.take("standing");
        (HostsQuery { standing }, Paging::from_query(parameters))
    }
}

/// Hosts, the latest first: for admins
#[utoipa::path(get, path = "/v1/hosts", tag = "hosts", params(HostsQuery, Paging), security(("bearer" = [])), responses(
    (status = 200, body = Page<HostBody>),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn list_hosts(
    State(state): State<ApiState>,
    caller: Caller,
    Query((query, paging)): Query<(HostsQuery, Paging)>,
) -> Result<Page<HostBody>, ApiError> {
    caller.require_admin()?;
    state.wait_for(View::Earnings, paging.min_position).await?;
    let rows = earnings::list_hosts(&state.pool, query.standing, paging.after, paging.limit).await?;
    let cursor = |row: &HostRow| row.created_position;
    Ok(Page::of(rows, paging.limit, cursor, |row| HostBody::of(&state, row)))
}
