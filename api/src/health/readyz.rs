//! `GET /readyz`

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use crate::ApiState;

/// A part that does not answer within this is away.
const CHECK_TIME_MAX: Duration = Duration::from_secs(2);

/// What works. Without a media server sales go on, so it makes nobody unready.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Readiness)]
pub(crate) struct ReadinessBody {
    /// `ready` or `unavailable`
    status: &'static str,
    parts: PartsBody,
}

/// `ok`, `away`, `forked` (the log lost events that this node has seen), or `stopped` for good.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Parts)]
struct PartsBody {
    database: &'static str,
    log: &'static str,
    projections: &'static str,
    processes: &'static str,
    /// `forked` if the log is not what was signed: then this node signs no checkpoints any more.
    notary: &'static str,
    /// `none` where no media server is configured.
    media: &'static str,
}

/// Whether requests can be served
#[utoipa::path(get, path = "/readyz", tag = "health", responses(
    (status = 200, body = ReadinessBody),
    (status = 503, description = "A part is away: the body says which.", body = ReadinessBody),
))]
pub(crate) async fn readyz(State(state): State<ApiState>) -> (StatusCode, Json<ReadinessBody>) {
    let ((database, database_says), (log, log_says)) = tokio::join!(check_database(&state), check_log(&state));
    let (projections, projections_say) = running(state.projections.failure().is_none());
    let (processes, processes_say) = running(state.processes.failure().is_none());
    let (notary, notary_says) = check_notary(&state);
    let media = match &state.bridge {
        None => "none",
        Some(bridge) if bridge.is_available() => "ok",
        Some(_) => "away",
    };
    let parts = PartsBody {
        database: database_says,
        log: log_says,
        projections: projections_say,
        processes: processes_say,
        notary: notary_says,
        media,
    };
    let (code, status) = if database && log && projections && processes && notary {
        (StatusCode::OK, "ready")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
    };
    (code, Json(ReadinessBody { status, parts }))
}

const fn running(is_running: bool) -> (bool, &'static str) {
    if is_running { (true, "ok") } else { (false, "stopped") }
}

const fn answering(is_there: bool) -> (bool, &'static str) {
    if is_there { (true, "ok") } else { (false, "away") }
}

async fn check_database(state: &ApiState) -> (bool, &'static str) {
    let check = sqlx::query_scalar!(r#"SELECT 1 AS "one!""#).fetch_one(&state.pool);
    answering(matches!(timeout(CHECK_TIME_MAX, check).await, Ok(Ok(_))))
}

fn check_notary(state: &ApiState) -> (bool, &'static str) {
    match state.notary.standing().alarm {
        Some(_) => (false, "forked"),
        None => (true, "ok"),
    }
}

async fn check_log(state: &ApiState) -> (bool, &'static str) {
    if state.log.fork().is_some() {
        return (false, "forked");
    }
    answering(matches!(timeout(CHECK_TIME_MAX, state.log.head()).await, Ok(Ok(_))))
}
