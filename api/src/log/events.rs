//! `GET /v1/log/events`: the facts, as they are stored.

use std::str::FromStr;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use event_log::{RecordedEvent, StreamId};
use http::HeaderMap;
use http::header::ACCEPT;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::lines::{self, Wanted};
use crate::answer::Page;
use crate::error::ProblemBody;
use crate::extract::{Caller, FromQuery, Moment, Query, QueryParams, check_page, hex, take_count, take_position};
use crate::{ApiError, ApiState};

pub(super) const NDJSON: &str = "application/x-ndjson";

/// A stored event. `payload` and `metadata` are the stored bytes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LogEvent)]
pub(crate) struct LogEventBody {
    position: u64,
    aggregate_type: String,
    aggregate_id: String,
    sequence: u64,
    event_type: String,
    event_version: String,
    #[schema(value_type = Object)]
    payload: Box<RawValue>,
    #[schema(value_type = Object)]
    metadata: Box<RawValue>,
    recorded_at: Moment,
    /// The same in microseconds since 1970: what the hash is made of.
    recorded_at_micros: i64,
    /// Hex SHA-256: the chain's value at this position.
    hash: String,
}

impl TryFrom<RecordedEvent> for LogEventBody {
    type Error = ApiError;

    fn try_from(event: RecordedEvent) -> Result<Self, ApiError> {
        let raw = |json: String| RawValue::from_string(json).map_err(|error| ApiError::Internal(Box::new(error)));
        Ok(Self {
            position: event.position,
            aggregate_type: event.aggregate_type,
            aggregate_id: event.aggregate_id,
            sequence: event.sequence,
            event_type: event.event_type,
            event_version: event.event_version,
            payload: raw(event.payload)?,
            metadata: raw(event.metadata)?,
            recorded_at: event.recorded_at.into(),
            recorded_at_micros: event.recorded_at.timestamp_micros(),
            hash: hex(&event.hash),
        })
    }
}

/// One stream of the log: `room-<id>`, `ticket-<id>`, `payout-<host>` or `shop-<id>`.
#[derive(Clone, Debug)]
struct AggregateName(StreamId);

#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("must be room-<id>, ticket-<id>, payout-<id> or shop-<id>")]
struct NoAggregate;

impl FromStr for AggregateName {
    type Err = NoAggregate;

    fn from_str(name: &str) -> Result<Self, NoAggregate> {
        let (kind, id) = name.split_once('-').ok_or(NoAggregate)?;
        let types = ["room", "ticket", "payout", "shop"];
        let aggregate_type = types.into_iter().find(|known| *known == kind).ok_or(NoAggregate)?;
        let id: Uuid = id.parse().map_err(|_| NoAggregate)?;
        Ok(Self(StreamId {
            aggregate_type,
            aggregate_id: Arc::from(id.to_string()),
        }))
    }
}

#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventsQuery {
    /// How many at most. A page has 1 to 200, 50 if absent; a stream as many as are wanted, all that are there if absent.
    #[param(minimum = 1)]
    limit: Option<u64>,
    /// The `next` of the page before: a log position, or with `aggregate` a sequence in its stream.
    after: Option<u64>,
    /// Only the stream of one aggregate: `room-<id>`, `ticket-<id>`, `payout-<host>` or `shop-<id>`.
    #[param(value_type = Option<String>)]
    aggregate: Option<AggregateName>,
}

impl FromQuery for EventsQuery {
    fn from_query(parameters: &mut QueryParams) -> Self {
        Self {
            limit: take_count(parameters),
            after: take_position(parameters, "after"),
            aggregate: parameters.take("aggregate"),
        }
    }
}

/// The events after a position, in order
///
/// A page of JSON; or for `Accept: application/x-ndjson` a stream, one event a line, up to the position that `Log-Position`
/// names. It is sent as fast as it is taken; one that ends before is broken off, and goes on with `after`.
#[utoipa::path(get, path = "/v1/log/events", tag = "log", params(EventsQuery), security(("bearer" = [])), responses(
    (status = 200, content((Page<LogEventBody> = "application/json"), (LogEventBody = "application/x-ndjson"))),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn list_log_events(
    State(state): State<ApiState>,
    caller: Caller,
    Query(query): Query<EventsQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    caller.require_log_reader()?;
    let after = query.after.unwrap_or(0);
    let of = query.aggregate.map(|AggregateName(stream)| stream);
    if wants_ndjson(&headers) {
        let limit = query.limit;
        return lines::respond(&state, Wanted { after, limit, of }).await;
    }
    let limit = check_page(query.limit)?;
    let events = match &of {
        Some(stream) => state.log.read_stream(stream, after, limit).await?,
        None => state.log.read_all(after, limit).await?,
    };
    let cursor = events.last().filter(|_| events.len() >= limit);
    let next = cursor.map(|event| if of.is_some() { event.sequence } else { event.position });
    let data = events
        .into_iter()
        .map(LogEventBody::try_from)
        .collect::<Result<Vec<_>, _>>()?;
    let next = next.map(|cursor| cursor.to_string());
    Ok(Json(Page { data, next }).into_response())
}

fn wants_ndjson(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.split(',').any(|kind| kind.trim().starts_with(NDJSON)))
}
