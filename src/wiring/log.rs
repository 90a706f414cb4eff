//! The log: in the database, or on an engine of which the database holds a copy.

use std::sync::Arc;

use anyhow::{Context, bail};
use event_log::copied::origin;
use event_log::{EventLog, LogSettings, PostgresLog};

use crate::config::LogOptions;
use crate::database::Database;
use crate::lifecycle::Lifecycle;

pub(super) async fn open(
    options: &LogOptions,
    database: &Database,
    settings: LogSettings,
    lifecycle: &Lifecycle,
) -> anyhow::Result<Arc<dyn EventLog>> {
    let engine = options.engine.engine()?;
    if engine.is_none() && origin(&database.pool).await.context("look for the log")?.is_some() {
        bail!("the log of this database lies on an engine, of which it holds a copy: LOG_URL is missing");
    }
    #[cfg(feature = "esdb")]
    let for_engine = (settings.limits.clone(), Arc::clone(&settings.clock));
    let log = PostgresLog::connect_with(
        database.hosts.clone(),
        database.pool.clone(),
        settings,
        &lifecycle.back,
        lifecycle.back_cancel.clone(),
    )
    .await
    .context("open the log")?;
    let Some(engine) = engine else {
        return Ok(log);
    };
    #[cfg(feature = "esdb")]
    return on_engine(&engine, log, for_engine, lifecycle).await;
    #[cfg(not(feature = "esdb"))]
    match engine {}
}

#[cfg(feature = "esdb")]
async fn on_engine(
    engine: &crate::config::Engine,
    copy: Arc<PostgresLog>,
    (limits, clock): (event_log::LogLimits, Arc<dyn event_log::Clock>),
    lifecycle: &Lifecycle,
) -> anyhow::Result<Arc<dyn EventLog>> {
    let (tracker, cancel) = (&lifecycle.back, &lifecycle.back_cancel);
    let source = reach(engine, limits.clone(), clock, (tracker, cancel)).await?;
    let log = event_log::CopiedLog::start(source, copy, &limits, tracker, cancel.clone());
    Ok(log.await.context("copy the log")?)
}

/// The log on an engine alone.
#[cfg(feature = "esdb")]
pub(crate) async fn reach(
    engine: &crate::config::Engine,
    limits: event_log::LogLimits,
    clock: Arc<dyn event_log::Clock>,
    (tracker, cancel): (&tokio_util::task::TaskTracker, &tokio_util::sync::CancellationToken),
) -> anyhow::Result<Arc<dyn EventLog>> {
    use event_log_esdb::{EsdbLimits, EsdbLog, EventStore, Kurrent};

    use crate::config::Engine;

    let limits = (limits, EsdbLimits::default());
    let log: Arc<dyn EventLog> = match engine {
        Engine::EventStore(url) => {
            let client = EventStore::connect(url).context("read LOG_URL")?;
            EsdbLog::start(client, limits, clock, tracker, cancel.clone())
                .await
                .context("reach the log's engine")?
        }
        Engine::Kurrent(url) => {
            let client = Kurrent::connect(url).context("read LOG_URL")?;
            EsdbLog::start(client, limits, clock, tracker, cancel.clone())
                .await
                .context("reach the log's engine")?
        }
    };
    Ok(log)
}
