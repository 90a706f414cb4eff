//! How far the read models are behind while a shop sells at half of what it can.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use projections::View;
use sqlx::{Connection, Executor, Row as _};

use super::http::{BUYERS, seeded};
use super::{Bench, Outcome};
use crate::harness::{Goal, Latencies, NEVER_MS, Rounds, Row, Sample, figure};
use crate::world::{Database, Script, Shop, Wrk};

const CONNECTIONS: usize = 64;
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// The views that show a hold.
const HOLD_VIEWS: [View; 2] = [View::Catalogue, View::Tickets];
const PROBE: Duration = Duration::from_secs(2);

pub(super) async fn projection_lag(bench: &Bench) -> Result<Outcome> {
    let script = Script::holds(&bench.folder, BUYERS, 1)?;
    let mut rounds = Rounds::default();
    let mut rates = Vec::new();
    for _ in 0..bench.rounds() {
        let database = seeded(bench, u32::MAX, 0).await?;
        let shop = Shop::ours(&bench.folder, &database, &[]).await?;
        let most = Wrk::new(shop.url(), &script, CONNECTIONS, PROBE).run().await?;
        // Each connection rests so long that all of them together ask half as often.
        let turn = most.elapsed() * 2 / u32::try_from(most.requests / CONNECTIONS)?.max(1);
        let pause = turn.saturating_sub(Duration::from_micros(u64::from(most.p50_us) / 2));
        let half = Wrk {
            pause: pause.max(Duration::from_millis(1)),
            ..Wrk::new(shop.url(), &script, CONNECTIONS, bench.measured())
        };
        let watch = watch(&database, &HOLD_VIEWS, bench.measured());
        let (report, lags) = tokio::try_join!(half.run(), watch)?;
        shop.stop().await?;
        bench.cluster.discard(database).await?;
        ensure!(report.lost == 0, "wrk lost answers: {report:?}");
        rates.push(format!(
            "{} of {}",
            figure(report.sample().value),
            figure(most.sample().value)
        ));
        rounds.ours.push(Sample {
            value: lags.percentile_ms(99).unwrap_or(NEVER_MS),
            p50_ms: lags.percentile_ms(50),
            p99_ms: lags.percentile_ms(99),
        });
    }
    let row = Row::new("projection lag, p99, at half load", "ms", &rounds, &[Goal::AtMost(100.0)]).note(format!(
        "Every {} ms: the log's end by SQL, and when the checkpoints of the views that show a hold had both reached it. Holds/s while \
         measured, of what the same server did at full load: {}.",
        LOOK_EVERY.as_millis(),
        rates.join(", ")
    ));
    Ok(vec![row].into())
}

/// A query for how far the slowest of these views is.
pub(super) fn slowest(views: &[View]) -> String {
    let names: Vec<String> = views.iter().map(|view| format!("'{view}'")).collect();
    format!(
        "SELECT coalesce(min(position), 0) FROM projection_checkpoint WHERE name IN ({})",
        names.join(", ")
    )
}

/// For each end of the log that was seen: how long until each of these views had it. Views that the events do not concern
/// store their checkpoint only now and then.
pub(super) async fn watch(database: &Database, views: &[View], duration: Duration) -> Result<Latencies> {
    watch_for(database, &slowest(views), duration).await
}

/// The same for whatever a query says has reached a position.
pub(super) async fn watch_for(database: &Database, reached: &str, duration: Duration) -> Result<Latencies> {
    let mut connection = database.connect().await?;
    let look = format!("SELECT (SELECT coalesce(max(position), 0) FROM events), ({reached})");
    let started = Instant::now();
    let mut waiting: Vec<(i64, Instant)> = Vec::new();
    let mut lags = Vec::new();
    // Whatever was seen in time is waited for a while longer.
    while started.elapsed() < duration || (!waiting.is_empty() && started.elapsed() < duration * 2) {
        let asked = Instant::now();
        let row = connection.fetch_one(&*look).await?;
        let (end, reached): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        if started.elapsed() < duration {
            waiting.push((end, asked));
        }
        let now = Instant::now();
        waiting.retain(|(position, seen)| {
            if *position <= reached {
                lags.push(u32::try_from(now.duration_since(*seen).as_micros()).unwrap_or(u32::MAX));
            }
            *position > reached
        });
        tokio::time::sleep(LOOK_EVERY.saturating_sub(asked.elapsed())).await;
    }
    // What was never reached counts as late as it is by now.
    lags.extend(
        waiting
            .iter()
            .map(|(_, seen)| u32::try_from(seen.elapsed().as_micros()).unwrap_or(u32::MAX)),
    );
    connection.close().await?;
    Ok(Latencies::new(lags))
}
