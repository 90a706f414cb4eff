//! Buyers who do not let go: each asks for a seat, with the same key, at one node after the other, until it is told it has
//! one, and writes down what it was told.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use boxoffice::client::{Caller, Server, eventually};
use checker::{Task, check};
use futures::future::join_all;
use serde_json::json;
use sqlx::postgres::PgConnectOptions;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::support::{Shop, try_hold};

/// Nobody waits longer for an answer to his first try, whatever dies meanwhile.
const BUY_LIMIT: Duration = Duration::from_mins(1);
const RETRY_PAUSE: Duration = Duration::from_millis(20);

/// Buyers that are at it.
pub(super) struct Rush {
    buyers: JoinSet<Result<Bought>>,
    done: Arc<AtomicUsize>,
    room: String,
}

pub(super) struct Bought {
    buyer: Caller,
    ticket: String,
    position: Option<u64>,
}

impl Rush {
    /// Every buyer begins at another node.
    pub(super) async fn start(shop: &Shop, room: &str, bases: &[&Server], count: usize) -> Result<Self> {
        let (mut buyers, done) = (JoinSet::new(), Arc::new(AtomicUsize::new(0)));
        for (nth, buyer) in shop.people(count).await?.into_iter().enumerate() {
            let mut doors: Vec<Caller> = bases.iter().map(|server| buyer.clone().at(server)).collect();
            let first = nth % doors.len();
            doors.rotate_left(first);
            buyers.spawn(buy(doors, room.to_owned(), Arc::clone(&done)));
        }
        Ok(Self {
            buyers,
            done,
            room: room.to_owned(),
        })
    }

    /// Waits until so many have a seat.
    pub(super) async fn wait_for(&self, count: usize) -> Result<()> {
        eventually("some buyers to have a seat", BUY_LIMIT, || async {
            Ok((self.done.load(Ordering::SeqCst) >= count).then_some(()))
        })
        .await
    }

    /// Waits for all, and then asks once more: the same key is the same ticket, wherever it is asked for.
    pub(super) async fn finish(self, witness: &Server) -> Result<Vec<Bought>> {
        let bought = self.buyers.join_all().await.into_iter().collect::<Result<Vec<_>>>()?;
        let again = join_all(bought.iter().map(|one| async {
            let caller = one.buyer.clone().at(witness);
            // A node that has not found the new primary or leader yet says when to come back.
            let answer = eventually("a node to answer a buyer who asks once more", BUY_LIMIT, || async {
                let answer = try_hold(&caller, &self.room).await?;
                Ok((answer.status != 503).then_some(answer))
            })
            .await?;
            let same = answer.expect(201, "a buyer asks once more")?;
            ensure!(
                same["id"] == one.ticket.as_str(),
                "one key, two tickets: {same} and {}",
                one.ticket
            );
            Ok(())
        }));
        again.await.into_iter().collect::<Result<Vec<()>>>()?;
        Ok(bought)
    }
}

async fn buy(doors: Vec<Caller>, room: String, done: Arc<AtomicUsize>) -> Result<Bought> {
    let started = Instant::now();
    for door in doors.iter().cycle() {
        // A node that is dead answers nothing; one that finds no leader says when to come back.
        if let Ok(answer) = try_hold(door, &room).await
            && answer.status == 201
        {
            done.fetch_add(1, Ordering::SeqCst);
            return Ok(Bought {
                buyer: door.clone(),
                ticket: answer.body["id"].as_str().context("expected a ticket id")?.to_owned(),
                position: answer.log_position,
            });
        }
        ensure!(
            started.elapsed() < BUY_LIMIT,
            "a buyer got no seat within {BUY_LIMIT:?}"
        );
        tokio::time::sleep(RETRY_PAUSE).await;
    }
    unreachable!("the doors go round")
}

/// The checker, a program of its own, finds what every buyer was told, and nothing wrong.
pub(super) async fn judge(database: PgConnectOptions, room: &str, bought: &[Bought]) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let record: PathBuf = folder.path().join("acknowledged.ndjson");
    let lines = bought.iter().map(|one| {
        let line = json!({"ticket_id": one.ticket, "room_id": room, "kind": "hold", "position": one.position});
        format!("{line}\n")
    });
    std::fs::write(&record, lines.collect::<String>())?;
    let report = check(&Task {
        database,
        acknowledged: vec![record],
        patience: Duration::from_secs(20),
    })
    .await?;
    ensure!(report.ok, "{report:?}");
    Ok(())
}
