//! What is signed is the log, whoever signs it and however often it is interrupted.

use std::collections::BTreeSet;
use std::time::Duration;

use event_log::EventLog as _;
use event_log::chain::Leaf;
use sqlx::PgPool;

use super::support::*;
use crate::keeper::store;
use crate::tree::{Frontier, Hash, Tile, TileId, verify_consistency, verify_inclusion};
use crate::{NotaryLimits, ProveError, SignedCheckpoint};

/// The root of the log as it is, by the port and by nothing of the notary's.
async fn root(office: &Office) -> Hash {
    let mut frontier = Frontier::new();
    for event in office.log.read_all(0, 10_000).await.unwrap() {
        frontier.push(Leaf::from(&event).hash());
    }
    frontier.root()
}

#[sqlx::test(migrations = "../migrations")]
async fn everything_that_is_appended_is_signed_and_proved(pool: PgPool) {
    let outside = Outside::new();
    let office = Office::open(&pool, &outside).await;
    office.append("a", 0, 5).await;
    office.signed(5).await;
    // More than a stretch at once, and through a full tile.
    office.append("b", 0, 700).await;
    let opened = office.signed(705).await;
    let (size, root) = (opened.checkpoint.size, root(&office).await);
    assert_eq!((size, opened.checkpoint.root), (705, root));
    let kept = outside.memory().read().unwrap().unwrap();
    assert_eq!(kept, opened.note.to_string(), "it is kept outside of the database, too");
    for position in [1, 5, 6, 256, 257, 512, 704, 705] {
        let checkpoint = office.notary.checkpoint(None).await.unwrap();
        let proved = office.notary.inclusion(position, checkpoint).await.unwrap();
        let event = office.log.read_all(position - 1, 1).await.unwrap().remove(0);
        assert_eq!(proved.leaf, Leaf::from(&event).hash());
        verify_inclusion(&proved.leaf, position - 1, size, &proved.proof, &root).unwrap();
    }
    for checkpoint in office.notary.list(0, 200).await.unwrap() {
        let proved = office.notary.consistency(checkpoint.size, 705).await.unwrap();
        verify_consistency((checkpoint.size, &checkpoint.root), (705, &root), &proved.proof).unwrap();
    }
    office.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn another_process_goes_on_where_the_last_one_stopped(pool: PgPool) {
    let outside = Outside::new();
    for round in 0..3 {
        let office = Office::open(&pool, &outside).await;
        office.append("a", round * 150, 150).await;
        let opened = office.signed((round + 1) * 150).await;
        assert_eq!(opened.checkpoint.root, root(&office).await, "round {round}");
        office.close().await;
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_tree_that_was_lost_or_damaged_is_made_again(pool: PgPool) {
    let outside = Outside::new();
    let office = Office::open(&pool, &outside).await;
    office.append("a", 0, 600).await;
    office.signed(600).await;
    office.close().await;
    for damage in [
        "DELETE FROM notary_tiles; DELETE FROM notary_checkpoints",
        "DELETE FROM notary_tiles WHERE level = 0 AND index = 2",
        "UPDATE notary_tiles SET hashes = sha256('') WHERE level = 1",
    ] {
        sql(&pool, damage).await;
        let office = Office::open(&pool, &outside).await;
        let version = office.log.head().await.unwrap().position;
        office.append("a", version, 1).await;
        let opened = office.signed(version + 1).await;
        assert_eq!(opened.checkpoint.root, root(&office).await, "{damage}");
        let checkpoint = office.notary.checkpoint(None).await.unwrap();
        office.notary.inclusion(300, checkpoint).await.unwrap();
        office.close().await;
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_checkpoint_that_was_kept_and_not_stored_is_caught_up_with(pool: PgPool) {
    let outside = Outside::new();
    let office = Office::open(&pool, &outside).await;
    office.append("a", 0, 400).await;
    office.signed(400).await;
    office.close().await;
    // As after a crash between the two.
    sql(
        &pool,
        "DELETE FROM notary_checkpoints WHERE size > 1; DELETE FROM notary_tiles",
    )
    .await;
    let office = Office::open(&pool, &outside).await;
    // Nothing new has to happen for it.
    let opened = office.signed(400).await;
    assert_eq!(opened.checkpoint.root, root(&office).await);
    assert_eq!(opened.note.to_string(), outside.memory().read().unwrap().unwrap());
    office.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_proof_that_the_stored_tree_does_not_bear_out_is_not_given(pool: PgPool) {
    let outside = Outside::new();
    let quiet = NotaryLimits {
        patrol: Duration::from_hours(1),
        ..limits()
    };
    let office = Office::with(&pool, &outside, quiet).await;
    office.append("a", 0, 10).await;
    office.signed(10).await;
    let checkpoint = office.notary.checkpoint(None).await.unwrap();
    let beyond = office.notary.inclusion(11, checkpoint.clone()).await;
    assert!(matches!(beyond, Err(ProveError::NotYet { size: 10 })));
    let unknown = office.notary.checkpoint(Some(11)).await;
    assert!(matches!(unknown, Err(ProveError::NoCheckpoint { size: 11 })));
    let edit = "UPDATE notary_tiles SET hashes = sha256('') || substr(hashes, 33) WHERE level = 0";
    sql(&pool, edit).await;
    let damaged = office.notary.inclusion(5, checkpoint).await;
    assert!(matches!(damaged, Err(ProveError::Damaged(_))), "{damaged:?}");
    office.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn old_checkpoints_are_thinned_out_to_one_of_each_minute(pool: PgPool) {
    let row = |size: u32, at: &str| format!("({size}, sha256(''), sha256(''), '2026-11-30T{at}Z', 'a note')");
    let rows = [
        (1, "10:00:01"),
        (2, "10:00:30"),
        (3, "10:00:59"),
        (4, "10:01:00"),
        (5, "11:30:00"),
    ];
    let rows: Vec<String> = rows.into_iter().map(|(size, at)| row(size, at)).collect();
    sql(
        &pool,
        &format!("INSERT INTO notary_checkpoints VALUES {}", rows.join(", ")),
    )
    .await;
    let [from, to] = ["2026-11-30T09:00:00Z", "2026-11-30T11:00:00Z"].map(|at| at.parse().unwrap());
    assert_eq!(store::thin_out(&pool, from, to).await.unwrap(), 2);
    let left = store::list(&pool, 0, 10).await.unwrap();
    assert_eq!(left.iter().map(|one| one.size).collect::<Vec<_>>(), [3, 4, 5]);
}

#[sqlx::test(migrations = "../migrations")]
async fn months_of_checkpoints_are_thinned_out_as_quickly(pool: PgPool) {
    sql(
        &pool,
        "INSERT INTO notary_checkpoints
        SELECT n, sha256(''), sha256(''), timestamptz '2026-01-01Z' + greatest(n, 3) * interval '1 minute', 'a note'
        FROM generate_series(1, 350000) n;
        ANALYZE notary_checkpoints",
    )
    .await;
    let [from, to] = ["2026-01-01T00:00:00Z", "2026-12-31T00:00:00Z"].map(|at| at.parse().unwrap());
    assert_eq!(store::thin_out(&pool, from, to).await.unwrap(), 2);
    // Now one of each minute is left, as while the shop runs.
    assert_eq!(store::thin_out(&pool, from, to).await.unwrap(), 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn checkpoints_that_cannot_be_thinned_out_keep_nobody_from_signing(pool: PgPool) {
    sql(
        &pool,
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''not now''; END';
        CREATE TRIGGER refuse BEFORE DELETE ON notary_checkpoints FOR EACH STATEMENT EXECUTE FUNCTION refuse()",
    )
    .await;
    let outside = Outside::new();
    let often = NotaryLimits {
        thin_out: Duration::ZERO,
        ..limits()
    };
    let office = Office::with(&pool, &outside, often).await;
    for round in 0..3 {
        office.append("a", round * 10, 10).await;
        office.signed((round + 1) * 10).await;
    }
    office.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn who_was_overtaken_stores_nothing(pool: PgPool) {
    let signed = |size: u64| SignedCheckpoint {
        size,
        root: [1; 32],
        chain_hash: [2; 32],
        signed_at: "2026-11-30T10:00:00Z".parse().unwrap(),
        note: "a note".to_owned(),
    };
    let tile = |hash: u8| Tile {
        id: TileId { level: 0, index: 0 },
        hashes: vec![[hash; 32]],
    };
    let save = async |before, size, hash| {
        store::save(&pool, before, &[tile(hash)], Some(&signed(size)))
            .await
            .unwrap()
    };
    assert!(save(0, 5, 1).await);
    assert!(!save(4, 7, 2).await, "it goes on from where nobody is any more");
    assert!(save(5, 6, 3).await);
    let stored = store::find_tiles(&pool, &BTreeSet::from([tile(0).id])).await.unwrap();
    assert_eq!(stored.get(tile(0).id), Some(tile(3)));
    let sizes: Vec<u64> = store::list(&pool, 0, 10)
        .await
        .unwrap()
        .iter()
        .map(|one| one.size)
        .collect();
    assert_eq!(sizes, [5, 6]);
}
