//! Witnesses cosign what they have checked, and say when the log is not what it was.

use sqlx::PgPool;

use super::support::*;
use super::witness_server::WitnessServer;
use crate::{Destination, NotaryLimits};

#[sqlx::test(migrations = "../migrations")]
async fn checkpoints_are_cosigned_and_published_with_it(pool: PgPool) {
    let server = WitnessServer::start("witness.test/w1").await;
    let mut outside = Outside::new();
    let folder = outside.path().join("published");
    outside.destinations = vec![Destination::Directory(folder.clone())];
    outside.witnesses = vec![server.witness.clone()];
    // An answer that came too late would be a checkpoint that is cosigned and not known to be.
    let patient = NotaryLimits {
        answer: PATIENCE,
        ..limits()
    };
    let office = Office::with(&pool, &outside, patient).await;
    for round in 0..4 {
        office.append("a", round * 100, 100).await;
        let size = (round + 1) * 100;
        until("the witness has seen it", async || server.size() >= size).await;
    }
    let is_cosigned = |note: &str| {
        let opened = crate::Checkpoint::open(note, &key().verifier()).unwrap();
        let cosigned = opened.note.verify_cosignature(&server.witness.key);
        opened.checkpoint.size == 400 && cosigned.is_ok_and(|cosigned| cosigned.at == 1_796_000_000)
    };
    let stored = async || {
        office
            .notary
            .latest()
            .await
            .unwrap()
            .is_some_and(|latest| is_cosigned(&latest.note))
    };
    until("it is stored with the cosignature", stored).await;
    let published = async || std::fs::read_to_string(folder.join("checkpoint")).is_ok_and(|note| is_cosigned(&note));
    until("it is published with the cosignature", published).await;
    let note = office.notary.latest().await.unwrap().unwrap().note;
    assert_eq!(
        note.lines().filter(|line| line.starts_with('\u{2014}')).count(),
        2,
        "strangers are left out"
    );
    assert!(
        server.statuses().iter().all(|status| *status == 200),
        "{:?}",
        server.statuses()
    );
    office.close().await;

    // A process that does not know what the witness has seen is told, and proves it from there.
    let office = Office::open(&pool, &outside).await;
    office.append("a", 400, 1).await;
    until("the witness has seen it", async || server.size() == 401).await;
    assert!(server.statuses().contains(&409), "{:?}", server.statuses());
    office.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_witness_that_is_away_holds_nobody_up(pool: PgPool) {
    let server = WitnessServer::start("witness.test/w1").await;
    server.go_away(true);
    let mut outside = Outside::new();
    let folder = outside.path().join("published");
    outside.destinations = vec![Destination::Directory(folder.clone())];
    outside.witnesses = vec![server.witness.clone()];
    let office = Office::open(&pool, &outside).await;
    office.append("a", 0, 10).await;
    office.signed(10).await;
    until("it is published all the same", async || {
        folder.join("checkpoint").exists()
    })
    .await;
    server.go_away(false);
    office.append("a", 10, 10).await;
    until("the witness has seen it", async || server.size() == 20).await;
    office.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_witness_that_knows_another_log_does_not_cosign_this_one(pool: PgPool) {
    let server = WitnessServer::start("witness.test/w1").await;
    server.pretend(5);
    let mut outside = Outside::new();
    outside.witnesses = vec![server.witness.clone()];
    let office = Office::open(&pool, &outside).await;
    office.append("a", 0, 10).await;
    office.signed(10).await;
    until("it was asked", async || server.statuses().contains(&422)).await;
    assert_eq!(server.size(), 5);
    let note = office.notary.latest().await.unwrap().unwrap().note;
    assert_eq!(note.lines().filter(|line| line.starts_with('\u{2014}')).count(), 1);
    office.close().await;
}
