//! The log on an engine that misbehaves, by each of its clients, and the copy of it in a PostgreSQL that does, too. After each blow the same checker
//! reads the copy and the clients' record, and the copy is compared with what the engine holds, event by event.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use boxoffice::client::eventually;
use esdb_fake::{EsdbFake, Fault, Held};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::Value;
use sqlx::Row as _;

use super::arena::Arena;
use crate::support::setting;

/// The blow falls within this time of the first sale.
const MOMENT: std::ops::Range<u64> = 0..500;
/// Shorter and longer than a command waits for its log.
const AWAY: std::ops::Range<u64> = 200..7_000;
/// How long the copy may be behind the engine when nobody buys any more.
const COPY_LIMIT: Duration = Duration::from_secs(30);
/// Appends that go wrong in the same way, one after another.
const SERIES: usize = 20;

#[derive(Clone, Copy, Debug)]
enum Blow {
    KillServer,
    /// The node, with its connections.
    NodeGoes,
    NodeGoesAndServerIsKilled,
    /// Nothing comes through, and nobody is told.
    LinkIsCut,
    /// What was asked was done, and the answer says that it was not, or comes late, or never.
    AnswersLie,
    AnswersLieAndServerIsKilled,
    SubscriptionsEnd,
    /// The watchdog has to find out.
    SubscriptionsFallSilent,
    SessionOfTheCopyBreaks,
}

const BLOWS: [Blow; 9] = [
    Blow::KillServer,
    Blow::NodeGoes,
    Blow::AnswersLie,
    Blow::SubscriptionsEnd,
    Blow::AnswersLieAndServerIsKilled,
    Blow::SubscriptionsFallSilent,
    Blow::SessionOfTheCopyBreaks,
    Blow::NodeGoesAndServerIsKilled,
    Blow::LinkIsCut,
];

/// Rounds by one client before the other's turn: each change is a server that starts.
const ROUNDS_BY_ONE: u64 = 2;
/// The schemes of both clients.
const SCHEMES: [&str; 2] = ["kurrentdb", "esdb"];

/// By which client a round is played. A blow that falls again falls on the other one.
fn scheme_of(round_seed: u64) -> &'static str {
    let blows = BLOWS.len() as u64;
    let turn = round_seed % blows / ROUNDS_BY_ONE + round_seed / blows;
    SCHEMES[usize::from(!turn.is_multiple_of(2))]
}

/// The engine, and where it is when it is there.
struct Engine {
    node: Option<EsdbFake>,
    address: SocketAddr,
}

impl Engine {
    fn node(&self) -> Result<&EsdbFake> {
        self.node.as_ref().context("expected the engine to be there")
    }

    /// Goes, and comes back at the same address with what it had stored.
    async fn is_away(&mut self, for_so_long: Duration) -> Result<()> {
        let node = self.node.take().context("expected the engine to be there")?;
        let store = Arc::clone(node.store());
        drop(node);
        tokio::time::sleep(for_so_long).await;
        self.node = Some(EsdbFake::listen(store, self.address)?);
        Ok(())
    }

    fn lies(&self, random: &mut StdRng) -> Result<()> {
        for _ in 0..SERIES {
            self.node()?.faults().next(match random.random_range(0..5) {
                0 => Fault::StoredButUnavailable,
                1 => Fault::Unavailable,
                2 => Fault::Delayed(Duration::from_millis(random.random_range(1..400))),
                3 => Fault::WithoutPosition,
                _ => Fault::StoredAndSilent,
            });
        }
        Ok(())
    }

    async fn suffers(&mut self, blow: Blow, arena: &mut Arena, random: &mut StdRng) -> Result<()> {
        let away = Duration::from_millis(random.random_range(AWAY));
        match blow {
            Blow::KillServer => arena.kill_server().await,
            Blow::NodeGoes => self.is_away(away).await,
            Blow::NodeGoesAndServerIsKilled => {
                // The server waits for an engine that is away when it starts.
                let away = away.min(Duration::from_secs(2));
                let (gone, killed) = tokio::join!(self.is_away(away), arena.kill_server());
                gone.and(killed)
            }
            Blow::LinkIsCut => {
                self.node()?.cut_off();
                tokio::time::sleep(away).await;
                self.node()?.come_back();
                Ok(())
            }
            Blow::AnswersLie => self.lies(random),
            Blow::AnswersLieAndServerIsKilled => {
                self.lies(random)?;
                tokio::time::sleep(Duration::from_millis(random.random_range(0..200))).await;
                arena.kill_server().await
            }
            Blow::SubscriptionsEnd => {
                self.node()?.faults().end_subscriptions();
                Ok(())
            }
            Blow::SubscriptionsFallSilent => {
                self.node()?.faults().silence_subscriptions();
                Ok(())
            }
            Blow::SessionOfTheCopyBreaks => {
                arena
                    .cluster
                    .execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                        WHERE application_name = 'boxoffice-sequencer'",
                    )
                    .await
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_whatever_befalls_the_logs_engine() -> Result<()> {
    let rounds = setting("FAULT_ROUNDS")?.unwrap_or(BLOWS.len() as u64);
    let seed = match setting("FAULT_SEED")? {
        Some(seed) => seed,
        None => rand::random(),
    };
    println!("{rounds} rounds of faults of the engine, FAULT_SEED={seed}");
    let node = EsdbFake::start()?;
    let url = node.url();
    let url_by = |scheme: &str| url.replacen("esdb", scheme, 1);
    let mut engine = Engine {
        address: node.address(),
        node: Some(node),
    };
    let mut scheme = scheme_of(seed);
    let mut arena = Arena::open(vec![("LOG_URL".to_owned(), url_by(scheme))]).await?;
    for number in 0..rounds {
        let round_seed = seed.wrapping_add(number);
        let blow = BLOWS[usize::try_from(round_seed % BLOWS.len() as u64)?];
        if scheme != scheme_of(round_seed) {
            scheme = scheme_of(round_seed);
            arena.kill_server_and_set("LOG_URL", &url_by(scheme)).await?;
        }
        println!("round {number}: {blow:?} by {scheme} (FAULT_SEED={round_seed} FAULT_ROUNDS=1 plays it alone)");
        let report = round(&mut arena, &mut engine, blow, round_seed)
            .await
            .with_context(|| {
                let log = arena.last_words();
                format!("round {number}, {blow:?} by {scheme}, FAULT_SEED={round_seed}; the server's log ends:\n{log}")
            })?;
        println!("  {report}");
    }
    Ok(())
}

async fn round(arena: &mut Arena, engine: &mut Engine, blow: Blow, seed: u64) -> Result<checker::Report> {
    let mut random = StdRng::seed_from_u64(seed);
    arena.open_rooms().await?;
    let crowd = arena.send_crowd(seed).await?;
    tokio::time::sleep(Duration::from_millis(random.random_range(MOMENT))).await;
    engine.suffers(blow, arena, &mut random).await?;
    arena.wait_for_sales(arena.lines()).await?;
    let report = arena.judge(crowd).await?;
    is_a_copy(arena, &engine.node()?.store().all()).await?;
    Ok(report)
}

/// The database has what the engine held, in that order, and nothing between.
async fn is_a_copy(arena: &Arena, held: &[Held]) -> Result<()> {
    let ours: Vec<&Held> = held.iter().filter(|event| !event.stream.starts_with('$')).collect();
    let rows = eventually("everything to be copied", COPY_LIMIT, || async {
        let rows = arena
            .cluster
            .rows(
                "SELECT aggregate_type || '-' || aggregate_id, sequence, event_type, payload::text, metadata::text
                FROM events ORDER BY position",
            )
            .await?;
        Ok((rows.len() >= ours.len()).then_some(rows))
    })
    .await?;
    // More may have come since the engine was looked at.
    for (row, event) in rows.iter().zip(ours) {
        let of_row: (String, i64, String, String, String) = (
            row.try_get(0)?,
            row.try_get(1)?,
            row.try_get(2)?,
            row.try_get(3)?,
            row.try_get(4)?,
        );
        let envelope: Value = serde_json::from_slice(&event.custom_metadata)?;
        let of_engine = (
            event.stream.clone(),
            i64::try_from(event.revision)? + 1,
            event.metadata.get("type").cloned().unwrap_or_default(),
            String::from_utf8(event.data.clone())?,
        );
        ensure!(
            (&of_row.0, of_row.1, &of_row.2, &of_row.3) == (&of_engine.0, of_engine.1, &of_engine.2, &of_engine.3),
            "{of_row:?} is no copy of {of_engine:?}"
        );
        ensure!(
            serde_json::from_str::<Value>(&of_row.4)? == envelope["metadata"],
            "{}",
            of_row.4
        );
    }
    Ok(())
}
