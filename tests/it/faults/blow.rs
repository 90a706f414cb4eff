//! Faults that cost a second or two each.

use std::time::Duration;

use anyhow::{Context, Result};
use rand::Rng as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rustix::process::Signal;

use super::arena::Arena;
use super::cluster::Stop;
use super::proxy::Trap;
use super::tools::signal;

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) enum Blow {
    KillServer,
    KillBackend,
    KillSequencersBackend,
    KillPostmaster,
    RestartFast,
    RestartImmediate,
    /// Both at once: who comes back first finds the other one recovering.
    KillServerAndBackend,
    LoseAnswerOfCommit,
    LoseRequestOfCommit,
    StallCommit,
    /// The answer of a commit is lost, and the server is killed before it can find out.
    LoseAnswerAndKillServer,
    /// What is kept of the states of rooms becomes wrong in many ways, and the server has to begin with it.
    SpoilSnapshotsAndKillServer,
}

/// Rooms that are larger, states of later or of other events, seals that are broken, formats of tomorrow.
const SPOIL: &str = r#"
    UPDATE snapshots SET
        payload = CASE kind WHEN 0 THEN regexp_replace(payload::text, '"capacity":\d+', '"capacity":100000')::json
            WHEN 1 THEN '{}' ELSE payload END,
        last_sequence = last_sequence + (kind = 2)::int,
        position = position - (kind = 3)::int,
        hash = CASE kind WHEN 4 THEN sha256(hash) ELSE hash END,
        seal = CASE kind WHEN 5 THEN sha256(seal) ELSE seal END,
        format = format + (kind = 6)::int
    FROM (SELECT aggregate_type AS of_type, aggregate_id AS of_id, abs(hashtext(aggregate_id)) % 7 AS kind FROM snapshots)
        AS spoiled
    WHERE (aggregate_type, aggregate_id) = (of_type, of_id)"#;

impl Blow {
    pub(super) const ALL: &[Self] = &[
        Self::KillServer,
        Self::KillBackend,
        Self::LoseAnswerOfCommit,
        Self::RestartImmediate,
        Self::LoseAnswerAndKillServer,
        Self::KillSequencersBackend,
        Self::RestartFast,
        Self::LoseRequestOfCommit,
        Self::KillServerAndBackend,
        Self::KillPostmaster,
        Self::StallCommit,
        Self::SpoilSnapshotsAndKillServer,
    ];

    /// Falls, and returns when what was killed has been started again.
    pub(super) async fn fall(self, arena: &mut Arena, random: &mut StdRng) -> Result<()> {
        match self {
            Self::KillServer => arena.kill_server().await,
            Self::KillBackend => kill_backend(arena, "boxoffice%", random).await,
            Self::KillSequencersBackend => kill_backend(arena, "boxoffice-sequencer", random).await,
            Self::KillPostmaster => arena.cluster.restart(Stop::Kill).await,
            Self::RestartFast => arena.cluster.restart(Stop::Fast).await,
            Self::RestartImmediate => arena.cluster.restart(Stop::Immediate).await,
            Self::KillServerAndBackend => {
                kill_backend(arena, "boxoffice%", random).await?;
                arena.cluster.wait_until_open().await?;
                arena.kill_server().await
            }
            Self::LoseAnswerOfCommit => spring(arena, Trap::LoseAnswer).await,
            Self::LoseRequestOfCommit => spring(arena, Trap::LoseRequest).await,
            Self::StallCommit => {
                let pause = Duration::from_millis(random.random_range(200..2_500));
                spring(arena, Trap::Stall(pause)).await
            }
            Self::LoseAnswerAndKillServer => {
                spring(arena, Trap::LoseAnswer).await?;
                arena.kill_server().await
            }
            Self::SpoilSnapshotsAndKillServer => {
                arena.wait_for_snapshots().await?;
                arena.cluster.execute(SPOIL).await?;
                arena.kill_server().await
            }
        }
    }
}

async fn kill_backend(arena: &Arena, name: &str, random: &mut StdRng) -> Result<()> {
    let backends = arena.cluster.backends(name).await?;
    let victim = backends.choose(random).context("expected sessions of the server")?;
    signal(*victim, Signal::KILL)
}

async fn spring(arena: &Arena, trap: Trap) -> Result<()> {
    let sprung = tokio::time::timeout(Duration::from_secs(30), arena.proxy.spring(trap));
    sprung.await.context("expected a batch with a hold")
}
