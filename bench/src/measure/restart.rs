//! `kill -9`, and how long nobody can buy.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use sqlx::Executor;

use super::lag::slowest;
use super::purchases::SALE_VIEWS;
use super::{Bench, Outcome};
use crate::harness::{Goal, Rounds, Row, Sample, seconds};
use crate::load::{buyer_id, fill, room_id};
use crate::world::{Database, Kind, Shop, token};

const CATCH_UP_LIMIT: Duration = Duration::from_mins(1);
const FIRST_HOLD_LIMIT: Duration = Duration::from_mins(1);
const RETRY: Duration = Duration::from_millis(5);

pub(super) async fn restart(bench: &Bench) -> Result<Outcome> {
    let events = bench.pick(1_000_000, 10_000_000);
    let database = bench.cluster.fresh(Kind::Boxoffice).await?;
    let recorded = fill(&database, events).await?;
    processes_have_seen(&database).await?;
    let mut shop = Shop::ours(&bench.folder, &database, &[]).await?;
    let is_caught_up = catch_up(&database).await?;
    bench.cluster.run("CHECKPOINT").await?;
    let mut memory_mb = shop.memory_mb()?;
    let mut rounds = Rounds::default();
    for round in 0..bench.rounds() {
        // Something is in the air when it dies.
        hold(shop.url(), &format!("before-kill-{round}")).await?;
        shop.kill().await?;
        let started = Instant::now();
        shop = Shop::ours(&bench.folder, &database, &[]).await?;
        hold(shop.url(), &format!("after-kill-{round}")).await?;
        rounds.ours.push(Sample::plain(seconds(started.elapsed())));
        memory_mb = memory_mb.max(shop.memory_mb()?);
    }
    shop.stop().await?;
    let holds = database.number("SELECT count(*) FROM events").await? - i64::try_from(recorded)?;
    ensure!(
        usize::try_from(holds) == Ok(2 * bench.rounds()),
        "{holds} holds are in the log"
    );
    bench.cluster.discard(database).await?;
    let views = if is_caught_up {
        "views up to date"
    } else {
        "views still catching up"
    };
    let row = Row::new(
        &format!(
            "restart after kill -9, {} million events, to the first hold",
            recorded / 1_000_000
        ),
        "seconds",
        &rounds,
        &[Goal::AtMost(2.0)],
    )
    .note(format!(
        "From the start of the process to 201 for a hold in a room with 1,000 sold seats; {views} when it was killed; \
         {memory_mb} MB resident at most. Looked at every 50 ms until it is up."
    ));
    Ok(vec![row].into())
}

/// The log was not made by a shop, so nothing in it is for the processes to do.
pub(super) async fn processes_have_seen(database: &Database) -> Result<()> {
    let mut connection = database.connect().await?;
    connection
        .execute(
            "INSERT INTO projection_checkpoint (name, version, position, hash)
             SELECT 'processes', 1, position, hash FROM events ORDER BY position DESC LIMIT 1",
        )
        .await?;
    Ok(())
}

/// Waits until the views are at the end of the log.
pub(super) async fn catch_up(database: &Database) -> Result<bool> {
    let deadline = Instant::now() + CATCH_UP_LIMIT;
    let behind = format!("SELECT (SELECT max(position) FROM events) - ({})", slowest(&SALE_VIEWS));
    while Instant::now() < deadline {
        if database.number(&behind).await? == 0 {
            return Ok(true);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(false)
}

/// One hold, tried until it is acknowledged.
async fn hold(url: &str, key: &str) -> Result<()> {
    let client = reqwest::Client::builder().timeout(FIRST_HOLD_LIMIT).build()?;
    let token = token(&buyer_id(u64::MAX / 8).to_string(), &[])?;
    let url = format!("{url}/v1/rooms/{}/tickets", room_id(0));
    let deadline = Instant::now() + FIRST_HOLD_LIMIT;
    while Instant::now() < deadline {
        let request = client.post(&url).bearer_auth(&token).header("Idempotency-Key", key);
        match request.header("Content-Length", "0").send().await {
            Ok(answer) if answer.status() == 201 => return Ok(()),
            Ok(answer) if answer.status() != 503 => bail!("a hold was answered {}", answer.status()),
            Ok(_) | Err(_) => tokio::time::sleep(RETRY).await,
        }
    }
    Err(anyhow::anyhow!("no hold within {} s", FIRST_HOLD_LIMIT.as_secs())).context("hold a seat")
}
