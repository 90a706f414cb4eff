//! What `/metrics` shows.

use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::routing::get;
use event_log::Clock;
use metrics::gauge;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use processes::jobs;
use sqlx::PgPool;
use std::sync::Arc;

use super::Core;
use crate::lifecycle::Lifecycle;

/// How often figures that nobody reports by themselves are looked up.
const SAMPLE_INTERVAL: Duration = Duration::from_secs(5);
/// Seconds; from a cached read to a request that waited.
const LATENCY_BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

pub(super) fn install() -> anyhow::Result<PrometheusHandle> {
    PrometheusBuilder::new()
        .set_buckets(&LATENCY_BUCKETS)
        .context("choose the metrics' buckets")?
        .install_recorder()
        .context("start metrics")
}

pub(super) fn router(handle: PrometheusHandle) -> Router {
    Router::new().route("/metrics", get(move || async move { handle.render() }))
}

/// Looks up the figures now and then, for as long as the process lives.
pub(super) fn sample(core: &Core, handle: PrometheusHandle, lifecycle: &Lifecycle) {
    let (pool, clock, cancel) = (
        core.pool.clone(),
        Arc::clone(&core.clock),
        lifecycle.back_cancel.clone(),
    );
    lifecycle.back.spawn(async move {
        let _fatal = cancel.clone().drop_guard();
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                () = tokio::time::sleep(SAMPLE_INTERVAL) => {}
            }
            handle.run_upkeep();
            tokio::select! {
                () = cancel.cancelled() => return,
                () = look(&pool, clock.as_ref()) => {}
            }
        }
    });
}

/// With the database away the figures stay as they were; `/readyz` tells.
async fn look(pool: &PgPool, clock: &dyn Clock) {
    let Ok(views) = projections::list(pool).await else {
        return;
    };
    for view in views {
        gauge!("projection_position", "view" => view.name).set(as_gauge(view.position));
        gauge!("projection_lag", "view" => view.name).set(as_gauge(view.lag));
        gauge!("log_position").set(as_gauge(view.head));
    }
    let Ok(counts) = jobs::count(pool, clock.now()).await else {
        return;
    };
    gauge!("jobs_due").set(as_gauge(counts.due.unsigned_abs()));
    gauge!("jobs_dead").set(as_gauge(counts.dead.unsigned_abs()));
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float; exact to 2^53")]
const fn as_gauge(count: u64) -> f64 {
    count as f64
}
