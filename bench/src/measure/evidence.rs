//! The log as evidence: out of the database into a bundle, checked there, and into another database.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use archive::{Bundle, ExportOptions, Trust, Verdict};
use event_log::stretches::stretch;
use event_log::{Clock as _, SystemClock};
use notary::{Checkpoint, Frontier, SigningKey};
use projections::View;
use projections::ledger::trial_balance;

use super::reading::{CEILING, copy_out};
use super::{Bench, Outcome};
use crate::harness::{Goal, Rounds, Row, Sample, alternate, per_second, seconds};
use crate::load::{Office, fill};
use crate::peer::Rows as Copied;
use crate::world::{Database, Kind};

const POOL: u32 = 4;
/// Events that the tree is grown by at once.
const STRETCH: u64 = 50_000;
/// Lines that the purchases of the synthetic log come to: three for a capture, two for a ticket, of seven events.
const LINES_PER_PURCHASE: u64 = 5;
const EVENTS_PER_PURCHASE: u64 = 7;

pub(super) async fn bundles(bench: &Bench) -> Result<Outcome> {
    let database = bench.cluster.fresh(Kind::Boxoffice).await?;
    let events = usize::try_from(fill(&database, bench.pick(250_000, 2_000_000)).await?)?;
    bench.cluster.run("CHECKPOINT").await?;
    copy_out(&database, events).await?;
    let target = bench.folder.join("bundle");
    let exported = alternate(
        bench.rounds(),
        async |_| export(&database, &target, events).await,
        async |_| copy_out(&database, events).await,
    )
    .await?;
    let trust = kept(&database, events as u64).await?;
    let mut verified = Rounds::default();
    for _ in 0..bench.rounds() {
        verified.ours.push(verify(&target, &trust, events).await?);
    }
    let rows = Copied::read(&database, events).await?;
    let imported = alternate(
        bench.rounds(),
        async |_| import(bench, &target, events).await,
        async |_| restore(bench, &rows).await,
    )
    .await?;
    tokio::fs::remove_dir_all(&target).await?;
    bench.cluster.discard(database).await?;
    let log = format!("A log of {events} events: whole purchases in rooms of a thousand.");
    let exported = Row::new("log export", "events/s", &exported, &[Goal::AtLeast(300_000.0)])
        .beside(CEILING)
        .note(format!("{log} Into a folder, on the disk when it is done."));
    let verified = Row::new(
        "log verify of a bundle",
        "events/s",
        &verified,
        &[Goal::AtLeast(1_000_000.0)],
    )
    .note(format!(
        "{log} Chain and tree, held against a signed checkpoint of all of it."
    ));
    let imported = Row::new("log import", "events/s", &imported, &[Goal::AtLeast(300_000.0)])
        .beside("COPY BINARY of the same rows from memory, keys made behind it, 1 transaction")
        .note(format!(
            "{log} Into an empty database, checked on the way, keys made and committed."
        ));
    Ok(vec![exported, verified, imported].into())
}

async fn export(database: &Database, target: &Path, events: usize) -> Result<Sample> {
    let _ = tokio::fs::remove_dir_all(target).await;
    let pool = database.pool(POOL);
    let options = ExportOptions {
        until: None,
        made_at: SystemClock.now(),
        made_by: "boxoffice-bench".to_owned(),
        key: None,
    };
    let started = Instant::now();
    let exported = archive::export(&pool, target, &options)
        .await
        .context("export the log")?;
    let elapsed = started.elapsed();
    pool.close().await;
    ensure!(usize::try_from(exported.events) == Ok(events), "{exported:?}");
    Ok(Sample::plain(per_second(events, elapsed)))
}

/// What an auditor has kept: the log's key, and a checkpoint of all of it. So the tree is grown beside the chain.
async fn kept(database: &Database, events: u64) -> Result<Trust> {
    let key = SigningKey::log("bench.example.org/log".parse()?, &[7; 32]);
    let pool = database.pool(POOL);
    let mut tree = Frontier::new();
    while tree.size() < events {
        let after = tree.size();
        let up_to = events.min(after + STRETCH);
        stretch(&pool, (after, up_to), |event| tree.push(event.leaf.hash())).await?;
        ensure!(tree.size() == up_to, "the log has holes behind position {after}");
    }
    pool.close().await;
    let checkpoint = Checkpoint {
        origin: key.name().to_owned(),
        size: tree.size(),
        root: tree.root(),
    };
    Ok(Trust {
        key: Some(key.verifier()),
        checkpoints: vec![checkpoint.sign(&key).to_string()],
    })
}

async fn verify(target: &Path, trust: &Trust, events: usize) -> Result<Sample> {
    let started = Instant::now();
    let bundle = Arc::new(Bundle::open(target)?);
    let verdict = archive::verify(&bundle, trust).await?;
    let elapsed = started.elapsed();
    match verdict {
        Verdict::Verified(summary) => {
            let vouched = summary.vouched.as_ref().map(|vouched| vouched.size);
            ensure!(
                vouched == Some(events as u64) && summary.events == events as u64,
                "{summary:?}"
            );
        }
        Verdict::Broken(flaw) => bail!("the bundle does not verify: {flaw}"),
    }
    Ok(Sample::plain(per_second(events, elapsed)))
}

async fn import(bench: &Bench, target: &Path, events: usize) -> Result<Sample> {
    let empty = bench.cluster.fresh(Kind::Boxoffice).await?;
    bench.cluster.run("CHECKPOINT").await?;
    let pool = empty.pool(POOL);
    let started = Instant::now();
    let bundle = Arc::new(Bundle::open(target)?);
    archive::import(&pool, &bundle).await.context("restore the log")?;
    let elapsed = started.elapsed();
    pool.close().await;
    bench.cluster.discard(empty).await?;
    Ok(Sample::plain(per_second(events, elapsed)))
}

async fn restore(bench: &Bench, rows: &Copied) -> Result<Sample> {
    let empty = bench.cluster.fresh(Kind::Boxoffice).await?;
    let sample = rows.restore(&empty).await?;
    bench.cluster.discard(empty).await?;
    Ok(sample)
}

/// The books as they stood at positions all over the log.
pub(super) async fn past_balance(bench: &Bench) -> Result<Outcome> {
    let postings: u64 = bench.pick(400_000, 10_000_000);
    let database = bench.cluster.fresh(Kind::Boxoffice).await?;
    let events = fill(&database, postings / LINES_PER_PURCHASE * EVENTS_PER_PURCHASE).await?;
    let office = Office::open_with_pool(&database, POOL).await?;
    projections::rebuild(office.log.clone(), &office.pool, View::Ledger)
        .await
        .context("fill the ledger")?;
    let lines = database.number("SELECT count(*) FROM view_ledger.lines").await?;
    bench.cluster.run("CHECKPOINT").await?;
    let mut rounds = Rounds::default();
    let mut accounts = 0;
    for round in 1..=bench.rounds() as u64 {
        // From a quarter of the log to its end: whatever was asked for before is not what is asked for now.
        let position = events / 4 + events * 3 / 4 * round / bench.rounds() as u64;
        let started = Instant::now();
        let balances = trial_balance(&office.pool, Some(position))
            .await
            .context("the trial balance")?;
        rounds.ours.push(Sample::plain(seconds(started.elapsed())));
        accounts = balances.len();
        let sum: i128 = balances.iter().map(|row| i128::from(row.balance_minor)).sum();
        ensure!(sum == 0, "the books are off by {sum} at {position}");
    }
    office.close().await;
    bench.cluster.discard(database).await?;
    let row = Row::new(
        "trial balance at a past position",
        "seconds",
        &rounds,
        &[Goal::AtMost(1.0)],
    )
    .note(format!(
        "{lines} postings on {accounts} accounts in {events} events, at positions from a quarter of the log on."
    ));
    Ok(vec![row].into())
}
