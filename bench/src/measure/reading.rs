//! Reading the log from its first event: read models filled anew, and the chain recomputed.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use event_log::verify::{Verdict, verify_chain};
use projections::View;
use sqlx::{Connection, PgConnection};

use super::{Bench, Outcome};
use crate::harness::{Goal, Row, Sample, alternate, per_second};
use crate::load::{Office, fill};
use crate::world::{Database, Kind};

const EVENTS: u64 = 1_000_000;
/// One connection for each view, and some for the readers.
const POOL: u32 = 16;
const SIMPLE_VIEW: View = View::Catalogue;
pub(super) const CEILING: &str = "PostgreSQL's own COPY of the whole table to nowhere, 1 connection";

pub(super) async fn replay_and_verify(bench: &Bench) -> Result<Outcome> {
    let database = bench.cluster.fresh(Kind::Boxoffice).await?;
    let events = usize::try_from(fill(&database, EVENTS).await?)?;
    bench.cluster.run("CHECKPOINT").await?;
    // Once before it counts: the pages are in memory, as they are for the peer.
    copy_out(&database, events).await?;
    let simple = alternate(
        bench.rounds(),
        async |_| replay_one(&database).await,
        async |_| copy_out(&database, events).await,
    )
    .await?;
    let all = alternate(
        bench.rounds(),
        async |_| replay_all(&database).await,
        async |_| copy_out(&database, events).await,
    )
    .await?;
    let verified = alternate(
        bench.rounds(),
        async |_| verify(&database, events).await,
        async |_| copy_out(&database, events).await,
    )
    .await?;
    bench.cluster.discard(database).await?;
    let log = format!("A log of {events} events: whole purchases in rooms of a thousand.");
    let simple = Row::new(
        "replay into one simple view",
        "events/s",
        &simple,
        &[Goal::AtLeast(1_000_000.0)],
    )
    .beside(CEILING)
    .note(format!("{log} `projections::rebuild` of {SIMPLE_VIEW}, with the swap."));
    let all = Row::new("replay into all views", "events/s", &all, &[Goal::AtLeast(300_000.0)])
        .beside(CEILING)
        .note(format!(
            "{log} All {} views at once, as a server fills them that finds them empty.",
            View::ALL.len()
        ));
    let verified = Row::new("log verify", "events/s", &verified, &[Goal::AtLeast(1_000_000.0)])
        .beside(CEILING)
        .note(log);
    Ok(vec![simple, all, verified].into())
}

async fn replay_one(database: &Database) -> Result<Sample> {
    let office = Office::open_with_pool(database, POOL).await?;
    let report = projections::rebuild(office.log.clone(), &office.pool, SIMPLE_VIEW).await;
    office.close().await;
    let report = report.context("rebuild the view")?;
    let events = usize::try_from(report.events)?;
    Ok(Sample::plain(per_second(events, report.elapsed)))
}

async fn replay_all(database: &Database) -> Result<Sample> {
    let office = Office::open_with_pool(database, POOL).await?;
    let report = projections::rebuild_all(office.log.clone(), &office.pool).await;
    office.close().await;
    let report = report.context("rebuild all views")?;
    let events = usize::try_from(report.events)?;
    Ok(Sample::plain(per_second(events, report.elapsed)))
}

async fn verify(database: &Database, events: usize) -> Result<Sample> {
    let pool = database.pool(POOL);
    let started = Instant::now();
    let verdict = verify_chain(&pool).await.context("verify the log")?;
    let elapsed = started.elapsed();
    pool.close().await;
    match verdict {
        Verdict::Verified { events: verified, .. } => {
            ensure!(
                usize::try_from(verified) == Ok(events),
                "{verified} of {events} verified"
            );
        }
        broken @ Verdict::Broken { .. } => anyhow::bail!("the log does not verify: {broken:?}"),
    }
    Ok(Sample::plain(per_second(events, elapsed)))
}

pub(super) async fn copy_out(database: &Database, events: usize) -> Result<Sample> {
    use futures::TryStreamExt as _;
    let mut connection: PgConnection = database.connect().await?;
    let started = Instant::now();
    let bytes = connection
        .copy_out_raw("COPY events TO STDOUT (FORMAT binary)")
        .await?
        .try_fold(0, |sum, part| async move { Ok(sum + part.len()) })
        .await?;
    let elapsed = started.elapsed();
    connection.close().await?;
    ensure!(bytes > events, "the copy is empty");
    Ok(Sample::plain(per_second(events, elapsed)))
}
