//! `GET /v1/rooms`: what is on.

use axum::extract::State;
use domain::{Currency, UserId};
use projections::View;
use projections::catalogue::{self, RoomFilter, RoomRow, RoomState};
use utoipa::IntoParams;

use super::room::RoomBody;
use crate::answer::Page;
use crate::error::ProblemBody;
use crate::extract::{FromQuery, Moment, Paging, Query, QueryParams};
use crate::{ApiError, ApiState};

#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RoomsQuery {
    /// `scheduled`, `live`, `ended`, `cancelled` or `voided`
    #[param(value_type = Option<String>)]
    state: Option<RoomState>,
    #[param(value_type = Option<Uuid>)]
    host_id: Option<UserId>,
    /// A part of the title or the description.
    q: Option<String>,
    language: Option<String>,
    /// Planned to start at this time or later.
    starts_after: Option<Moment>,
    /// Planned to start before this time.
    starts_before: Option<Moment>,
    /// Needs `currency`.
    price_max_minor: Option<i64>,
    #[param(value_type = Option<String>)]
    currency: Option<Currency>,
}

impl FromQuery for (RoomsQuery, Paging) {
    fn from_query(parameters: &mut QueryParams) -> Self {
        let query = RoomsQuery {
            state: parameters.take("state"),
            host_id: parameters.take("host_id"),
            q: parameters.take("q"),
            language: parameters.take("language"),
            starts_after: parameters.take("starts_after"),
            starts_before: parameters.take("starts_before"),
            price_max_minor: parameters.take("price_max_minor"),
            currency: parameters.take("currency"),
        };
        if query.price_max_minor.is_some() && query.currency.is_none() {
            parameters.refuse("currency", "price_max_minor needs a currency");
        }
        (query, Paging::from_query(parameters))
    }
}

/// Public rooms, the latest scheduled first
#[utoipa::path(get, path = "/v1/rooms", tag = "rooms", params(RoomsQuery, Paging), responses(
    (status = 200, body = Page<RoomBody>),
    (status = 422, description = "`invalid_field`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn list_rooms(
    State(state): State<ApiState>,
    Query((query, paging)): Query<(RoomsQuery, Paging)>,
) -> Result<Page<RoomBody>, ApiError> {
    state.wait_for(View::Catalogue, paging.min_position).await?;
    let filter = RoomFilter {
        state: query.state,
        host: query.host_id,
        of: None,
        q: query.q,
        language: query.language,
        starts_after: query.starts_after.map(|at| at.0),
        starts_before: query.starts_before.map(|at| at.0),
        price_max_minor: query.price_max_minor,
        currency: query.currency,
    };
    let now = state.now();
    let rows = catalogue::list_rooms(&state.pool, &filter, paging.after, paging.limit).await?;
    let cursor = |row: &RoomRow| row.created_position;
    Ok(Page::of(rows, paging.limit, cursor, |row| RoomBody::new(row, now)))
}
