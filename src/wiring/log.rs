//! The log: in the database, or on an engine of which the database holds a copy.

use std::sync::Arc;

use anyhow::{Context, bail};
use event_log::copied::origin;
use event_log::{Clock, CopiedLog, EventLog, LogLimits, LogSettings, PostgresLog};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{Engine, LogOptions};
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
        bail!(
            "the log of this database lies on an engine, of which it holds a copy, or is being moved to one: LOG_URL is missing"
        );
    }
    let (limits, clock) = (settings.limits.clone(), Arc::clone(&settings.clock));
    let (tracker, cancel) = (&lifecycle.back, &lifecycle.back_cancel);
    // What is on its way to an engine is answered when the copy has it, at the end, too.
    let beneath = match engine {
        Some(_) => CancellationToken::new(),
        None => cancel.clone(),
    };
    let log = PostgresLog::connect_with(
        database.hosts.clone(),
        database.pool.clone(),
        settings,
        tracker,
        beneath.clone(),
    )
    .await
    .context("open the log")?;
    let Some(engine) = engine else {
        return Ok(log);
    };
    // Whatever goes wrong from here on: a log that nobody copies must not be led.
    let led = beneath.clone().drop_guard();
    let source = reach(&engine, limits.clone(), clock, (tracker, &beneath)).await?;
    let log = CopiedLog::start(source, log, &limits, tracker, (cancel.clone(), beneath));
    let log = log.await.context("copy the log")?;
    led.disarm();
    Ok(log)
}

/// The log on an engine alone.
#[cfg(feature = "esdb")]
pub(crate) async fn reach(
    engine: &Engine,
    limits: LogLimits,
    clock: Arc<dyn Clock>,
    (tracker, cancel): (&TaskTracker, &CancellationToken),
) -> anyhow::Result<Arc<dyn EventLog>> {
    use event_log_esdb::{EsdbLimits, EsdbLog, EventStore, Kurrent};

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

#[cfg(not(feature = "esdb"))]
pub(crate) async fn reach(
    engine: &Engine,
    _: LogLimits,
    _: Arc<dyn Clock>,
    _: (&TaskTracker, &CancellationToken),
) -> anyhow::Result<Arc<dyn EventLog>> {
    match *engine {}
}
