//! How far behind the notary signs while a shop sells as much as it can, and what a proof costs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use event_log::SystemClock;
use notary::{Memory, Notary, NotaryDeps, NotaryLimits, NotarySettings, SigningKey};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::http::{BUYERS, CONNECTIONS, seeded};
use super::lag::watch_for;
use super::{Bench, Outcome};
use crate::harness::{Goal, Latencies, NEVER_MS, Rounds, Row, Sample, figure, per_second};
use crate::load::{Office, fill};
use crate::world::{Kind, Script, Shop, Wrk};

const SIGNED: &str = "SELECT coalesce(max(size), 0) FROM notary_checkpoints";
const EVENTS: u64 = 1_000_000;
const PROOFS: u64 = 2_000;
/// Co-prime to any log's length that is not a multiple of it: positions come in no order.
const STRIDE: u64 = 7_368_787;
/// So long a notary may take to catch up with the log.
const CATCH_UP_LIMIT: Duration = Duration::from_mins(2);
const LOOK: Duration = Duration::from_millis(10);

/// From an event's commit to the checkpoint that has it.
pub(super) async fn lag(bench: &Bench) -> Result<Outcome> {
    let script = Script::holds(&bench.folder, BUYERS, 1)?;
    let mut rounds = Rounds::default();
    let mut rates = vec![];
    for _ in 0..bench.rounds() {
        let database = seeded(bench, u32::MAX, 0).await?;
        let shop = Shop::ours(&bench.folder, &database, &[]).await?;
        let wrk = Wrk::new(shop.url(), &script, CONNECTIONS, bench.measured());
        let watch = watch_for(&database, SIGNED, bench.measured());
        let (report, lags) = tokio::try_join!(wrk.run(), watch)?;
        shop.stop().await?;
        bench.cluster.discard(database).await?;
        rates.push(figure(report.sample().value));
        rounds.ours.push(Sample {
            value: lags.percentile_ms(99).unwrap_or(NEVER_MS),
            p50_ms: lags.percentile_ms(50),
            p99_ms: lags.percentile_ms(99),
        });
    }
    let row = Row::new("notary lag, p99, at full load", "ms", &rounds, &[Goal::AtMost(1_500.0)]).note(format!(
        "The log's end by SQL, and when a checkpoint of that size or a larger one was stored. wrk with {CONNECTIONS} connections on \
         one room; holds/s while measured: {}.",
        rates.join(", ")
    ));
    Ok(vec![row].into())
}

/// Making one, with its tiles out of the database and checked before it is handed out.
pub(super) async fn proofs(bench: &Bench) -> Result<Outcome> {
    let database = bench.cluster.fresh(Kind::Boxoffice).await?;
    let events = fill(&database, EVENTS).await?;
    let office = Office::open(&database).await?;
    let (tracker, cancel) = (TaskTracker::new(), CancellationToken::new());
    let deps = NotaryDeps {
        log: Arc::clone(&office.log),
        pool: office.pool.clone(),
        clock: Arc::new(SystemClock),
    };
    let settings = NotarySettings {
        key: SigningKey::random("bench/log".parse()?),
        memory: Memory::at(bench.folder.join("notary.checkpoint")),
        destinations: vec![],
        witnesses: vec![],
        limits: NotaryLimits::default(),
    };
    // The file of another run is of another log.
    let _absent = std::fs::remove_file(settings.memory.path());
    let started = Instant::now();
    let notary = Notary::start(deps, settings, &tracker, &cancel);
    let signed = caught_up(&notary, events).await;
    let elapsed = started.elapsed();
    let rounds = match signed {
        Ok(()) => proved(bench, &notary, events).await,
        Err(error) => Err(error),
    };
    cancel.cancel();
    tracker.close();
    tracker.wait().await;
    office.close().await;
    bench.cluster.discard(database).await?;
    let caught_up = Rounds::single(Sample::plain(per_second(usize::try_from(events)?, elapsed)));
    let log = format!("A log of {events} events.");
    Ok(vec![
        Row::new("inclusion proof, p99", "ms", &rounds?, &[Goal::AtMost(1.0)]).note(format!(
            "{log} {PROOFS} proofs one after another, at positions in no order, each with its tiles from the database and verified."
        )),
        Row::new("notary, catching up", "events/s", &caught_up, &[])
            .note(format!("{log} From its start without a tree to the checkpoint of all of it.")),
    ]
    .into())
}

async fn caught_up(notary: &Notary, events: u64) -> Result<()> {
    let started = Instant::now();
    while notary.latest().await?.is_none_or(|latest| latest.size < events) {
        if let Some(alarm) = notary.standing().alarm {
            bail!("the notary is alarmed: {alarm}");
        }
        ensure!(started.elapsed() < CATCH_UP_LIMIT, "the notary does not catch up");
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

async fn proved(bench: &Bench, notary: &Notary, events: u64) -> Result<Rounds> {
    let mut rounds = Rounds::default();
    let checkpoint = notary.checkpoint(None).await?;
    for round in 0..u64::try_from(bench.rounds())? {
        let mut times = vec![];
        for nth in 0..PROOFS {
            let position = (round * PROOFS + nth).wrapping_mul(STRIDE) % events + 1;
            let started = Instant::now();
            let proved = notary.inclusion(position, checkpoint.clone()).await;
            times.push(u32::try_from(started.elapsed().as_micros()).unwrap_or(u32::MAX));
            proved.with_context(|| format!("prove position {position}"))?;
        }
        let times = Latencies::new(times);
        rounds.ours.push(Sample {
            value: times.percentile_ms(99).unwrap_or(NEVER_MS),
            p50_ms: times.percentile_ms(50),
            p99_ms: times.percentile_ms(99),
        });
    }
    Ok(rounds)
}
