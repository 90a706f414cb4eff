//! What an administrator of the database does to the log behind everybody's back, and how it is found.

use std::fmt::Write as _;
use std::time::Duration;

use event_log::EventLog as _;
use event_log::chain::{self, Leaf};
use sqlx::{PgPool, Row as _};

use super::support::*;
use crate::{Alarm, Destination, NotaryLimits};

const SIZE: u64 = 300;

async fn filled(pool: &PgPool, outside: &Outside) -> Office {
    let office = Office::open(pool, outside).await;
    office.append("a", 0, SIZE).await;
    office.signed(SIZE).await;
    office
}

fn hex(hash: &[u8; 32]) -> String {
    hash.iter()
        .fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// Writes the chain anew behind `position`, as somebody does who knows how it is made.
async fn rechain(pool: &PgPool, office: &Office, position: u64) {
    let events = office.log.read_all(position - 1, 10_000).await.unwrap();
    let mut hash = match position {
        1 => [0; 32],
        _ => office.log.read_all(position - 2, 1).await.unwrap()[0].hash,
    };
    let mut statements = String::new();
    for event in events {
        hash = chain::link(&hash, &Leaf::from(&event));
        let hex = hex(&hash);
        let _whole = writeln!(
            statements,
            "UPDATE events SET hash = '\\x{hex}' WHERE position = {};",
            event.position
        );
    }
    tamper(pool, &statements).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn an_edited_event_is_named_while_the_shop_runs(pool: PgPool) {
    let outside = Outside::new();
    let office = filled(&pool, &outside).await;
    tamper(&pool, r#"UPDATE events SET payload = '{"n":0}' WHERE position = 70"#).await;
    assert_eq!(office.alarm().await, Alarm::Changed { position: 70 });
    // Nothing is signed on top of it, …
    office.append("b", 0, 1).await;
    let checkpoint = office.notary.checkpoint(None).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(office.notary.latest().await.unwrap(), Some(checkpoint));
    // … until it is right again.
    tamper(&pool, r#"UPDATE events SET payload = '{"n":70}' WHERE position = 70"#).await;
    office.signed(SIZE + 1).await;
    until("the alarm is over", async || office.notary.standing().alarm.is_none()).await;
    office.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_log_that_was_rechained_is_found_out(pool: PgPool) {
    let outside = Outside::new();
    let office = filled(&pool, &outside).await;
    tamper(&pool, r#"UPDATE events SET payload = '{"n":0}' WHERE position = 130"#).await;
    rechain(&pool, &office, 130).await;
    assert_eq!(office.alarm().await, Alarm::Changed { position: 130 });
    office.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn deleted_inserted_and_swapped_events_are_named(pool: PgPool) {
    let outside = Outside::new();
    let cases = [
        (
            "DELETE FROM events WHERE position = 40",
            Alarm::Missing { position: 40 },
        ),
        (
            "UPDATE events SET position = 1000040 WHERE position = 40;
            UPDATE events SET position = 40 WHERE position = 41;
            UPDATE events SET position = 41 WHERE position = 1000040",
            Alarm::Changed { position: 40 },
        ),
        // The last one: a leader who happens to look at the longer log is right to miss its end afterwards.
        (
            "UPDATE events SET position = -position - 1000 WHERE position > 40;
            UPDATE events SET position = -position - 999 WHERE position < 0;
            INSERT INTO events SELECT 41, aggregate_type, 'x', 1, event_type, event_version, payload, metadata,
                recorded_at, hash FROM events WHERE position = 40",
            Alarm::Changed { position: 41 },
        ),
    ];
    let office = filled(&pool, &outside).await;
    sql(&pool, "CREATE TABLE before AS SELECT * FROM events").await;
    for (statements, expected) in cases {
        tamper(&pool, "DELETE FROM events; INSERT INTO events SELECT * FROM before").await;
        until("the alarm is over", async || office.notary.standing().alarm.is_none()).await;
        let unchecked = format!("ALTER TABLE events DROP CONSTRAINT IF EXISTS events_position_check; {statements}");
        tamper(&pool, &unchecked).await;
        assert_eq!(office.alarm().await, expected, "{statements}");
    }
    office.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_log_that_was_cut_off_is_found_out(pool: PgPool) {
    let outside = Outside::new();
    let quiet = NotaryLimits {
        patrol: Duration::from_hours(1),
        ..limits()
    };
    let office = Office::with(&pool, &outside, quiet).await;
    office.append("a", 0, SIZE).await;
    office.signed(SIZE).await;
    tamper(&pool, "DELETE FROM events WHERE position > 290").await;
    let alarm = office.alarm().await;
    assert!(
        matches!(
            alarm,
            Alarm::Shrunk {
                end: 290,
                size: SIZE,
                ..
            }
        ),
        "{alarm:?}"
    );
    assert_eq!(alarm.position(), 291);
    office.close().await;
}

/// What puts another payload in the place of an event's, and its leaf in the place of the one in the tree.
async fn edit_with_leaf(office: &Office, position: u64) -> String {
    let event = office.log.read_all(position - 1, 1).await.unwrap().remove(0);
    let leaf = Leaf {
        payload: br#"{"n":0}"#,
        ..Leaf::from(&event)
    };
    let (index, leaf) = (position - 1, hex(&leaf.hash()));
    format!(
        r#"UPDATE events SET payload = '{{"n":0}}' WHERE position = {position};
        UPDATE notary_tiles SET hashes = overlay(hashes PLACING '\x{leaf}' FROM {} FOR 32) WHERE level = 0 AND index = {}"#,
        (index % 256) * 32 + 1,
        index / 256,
    )
}

#[sqlx::test(migrations = "../migrations")]
async fn an_event_edited_together_with_its_leaf_is_named(pool: PgPool) {
    let outside = Outside::new();
    let office = filled(&pool, &outside).await;
    // Where a step of the patrol begins, and where none does.
    for position in [limits().patrol_events + 1, 100] {
        sql(&pool, "DROP TABLE IF EXISTS events_before, tiles_before").await;
        sql(&pool, "CREATE TABLE events_before AS SELECT * FROM events").await;
        sql(&pool, "CREATE TABLE tiles_before AS SELECT * FROM notary_tiles").await;
        tamper(&pool, &edit_with_leaf(&office, position).await).await;
        // A patrol that had passed the event before it was edited has put its leaf back.
        let alarm = office.alarm().await;
        assert!(
            [Alarm::Broken { position }, Alarm::Changed { position }].contains(&alarm),
            "{alarm:?}"
        );
        let restore = "DELETE FROM events; INSERT INTO events SELECT * FROM events_before;
            DELETE FROM notary_tiles; INSERT INTO notary_tiles SELECT * FROM tiles_before";
        tamper(&pool, restore).await;
        until("the alarm is over", async || office.notary.standing().alarm.is_none()).await;
    }
    office.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_rewritten_log_with_leaves_to_match_is_not_the_signed_one(pool: PgPool) {
    let outside = Outside::new();
    let office = Office::open(&pool, &outside).await;
    for (after, size) in [(0, 50), (50, 150), (150, SIZE)] {
        office.append("a", after, size - after).await;
        office.signed(size).await;
    }
    office.close().await;
    // By somebody who leaves everything as it is that the notary goes on from, and has time while it is away.
    let nobody = Outside::new();
    let quiet = NotaryLimits {
        look: Duration::from_hours(1),
        patrol: Duration::from_hours(1),
        ..limits()
    };
    let office = Office::with(&pool, &nobody, quiet).await;
    let edit = edit_with_leaf(&office, 170).await;
    tamper(&pool, &edit).await;
    rechain(&pool, &office, 170).await;
    let hash = "UPDATE notary_checkpoints SET chain_hash = (SELECT hash FROM events WHERE position = size)";
    sql(&pool, hash).await;
    office.close().await;
    for is_lost in [false, true] {
        if is_lost {
            sql(&pool, "DELETE FROM notary_tiles WHERE level = 0 AND index = 0").await;
        }
        let office = Office::open(&pool, &outside).await;
        let alarm = office.alarm().await;
        assert!(
            matches!(
                alarm,
                Alarm::Forked {
                    after: 150,
                    size: SIZE,
                    ..
                }
            ),
            "{alarm:?}"
        );
        // Also at the next look, which goes along all of it.
        office.append("b", u64::from(is_lost), 1).await;
        tokio::time::sleep(limits().pause * 3).await;
        assert_eq!(office.notary.standing().alarm, Some(alarm));
        office.close().await;
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_lost_of_the_tree_is_made_again(pool: PgPool) {
    let outside = Outside::new();
    let office = filled(&pool, &outside).await;
    let checkpoint = office.notary.checkpoint(None).await.unwrap();
    let damages = [
        "DELETE FROM notary_tiles WHERE level = 0 AND index = 0",
        "UPDATE notary_tiles SET hashes = sha256('') WHERE level = 1",
        // The leaves of positions 101 and 299, and of all of them.
        "UPDATE notary_tiles SET hashes = overlay(hashes PLACING sha256('') FROM 100 * 32 + 1) WHERE level = 0 AND index = 0",
        "UPDATE notary_tiles SET hashes = overlay(hashes PLACING sha256('') FROM 42 * 32 + 1) WHERE level = 0 AND index = 1",
        "UPDATE notary_tiles SET hashes = decode(repeat('00', length(hashes)), 'hex')",
        "DELETE FROM notary_tiles",
    ];
    sql(&pool, "CREATE TABLE before AS SELECT * FROM notary_tiles").await;
    for damage in damages {
        sql(&pool, damage).await;
        let is_whole = async || {
            let changed = "SELECT count(*) FROM before FULL JOIN notary_tiles USING (level, index, hashes)
                WHERE before.ctid IS NULL OR notary_tiles.ctid IS NULL";
            let row = sqlx::raw_sql(changed).fetch_one(&pool).await.unwrap();
            row.get::<i64, _>(0) == 0
        };
        until("every tile is there again", is_whole).await;
        assert_eq!(office.notary.standing().alarm, None, "{damage}");
        for position in [1, 256, 257, SIZE] {
            office.notary.inclusion(position, checkpoint.clone()).await.unwrap();
        }
    }
    assert_eq!(office.notary.standing().alarm, None);
    office.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_damaged_leaf_keeps_no_alarm_from_ending(pool: PgPool) {
    let outside = Outside::new();
    let office = filled(&pool, &outside).await;
    tamper(&pool, r#"UPDATE events SET payload = '{"n":0}' WHERE position = 70"#).await;
    assert_eq!(office.alarm().await, Alarm::Changed { position: 70 });
    let damage = "UPDATE notary_tiles SET hashes = overlay(hashes PLACING sha256('') FROM 69 * 32 + 1) WHERE level = 0 AND index = 0";
    sql(&pool, damage).await;
    tamper(&pool, r#"UPDATE events SET payload = '{"n":70}' WHERE position = 70"#).await;
    until("the alarm is over", async || office.notary.standing().alarm.is_none()).await;
    let checkpoint = office.notary.checkpoint(None).await.unwrap();
    let is_proved = async || office.notary.inclusion(70, checkpoint.clone()).await.is_ok();
    until("the leaf is stored again", is_proved).await;
    assert_eq!(office.notary.standing().alarm, None);
    office.close().await;
}

/// The database as it was at 200 events, restored when it had 300.
async fn restore_older_dump(pool: &PgPool) {
    tamper(pool, "DELETE FROM events WHERE position > 200").await;
    sql(
        pool,
        "DELETE FROM notary_checkpoints WHERE size > 200;
        UPDATE notary_tiles SET hashes = substr(hashes, 1, 200 * 32) WHERE level = 0 AND index = 0;
        DELETE FROM notary_tiles WHERE NOT (level = 0 AND index = 0)",
    )
    .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn an_older_dump_is_recognised_by_what_is_kept_outside(pool: PgPool) {
    let mut outside = Outside::new();
    let published = outside.path().join("published");
    outside.destinations = vec![Destination::Directory(published.clone())];
    let office = Office::open(&pool, &outside).await;
    office.append("a", 0, 200).await;
    office.signed(200).await;
    office.append("a", 200, 100).await;
    let opened = office.signed(SIZE).await;
    let is_out = async || {
        let published = std::fs::read_to_string(published.join("checkpoint"));
        published.is_ok_and(|note| note == opened.note.to_string())
    };
    until("it is published", is_out).await;
    office.close().await;
    restore_older_dump(&pool).await;

    // By the notary's own file, and by what was published when that is gone, too.
    for is_forgotten in [false, true] {
        if is_forgotten {
            std::fs::remove_file(outside.memory().path()).unwrap();
        }
        let office = Office::open(&pool, &outside).await;
        let alarm = office.alarm().await;
        assert!(
            matches!(
                alarm,
                Alarm::Shrunk {
                    end: 200,
                    size: SIZE,
                    ..
                }
            ),
            "{alarm:?}"
        );
        office.close().await;
    }

    // Also after the shop has gone on: what was signed is another log.
    let nobody = Outside::new();
    let office = Office::open(&pool, &nobody).await;
    office.append("a", 200, 150).await;
    office.signed(350).await;
    office.close().await;
    sql(&pool, "DELETE FROM notary_checkpoints WHERE size > 200").await;
    let office = Office::open(&pool, &outside).await;
    let alarm = office.alarm().await;
    assert!(
        matches!(
            alarm,
            Alarm::Forked {
                after: 200,
                size: SIZE,
                ..
            }
        ),
        "{alarm:?}"
    );
    let published = std::fs::read_to_string(published.join("checkpoint")).unwrap();
    assert_eq!(
        published,
        opened.note.to_string(),
        "what was published is not overwritten"
    );
    office.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_rewritten_log_with_a_rewritten_tree_is_not_signed(pool: PgPool) {
    let outside = Outside::new();
    let office = filled(&pool, &outside).await;
    office.close().await;
    // Everything in the database is made anew, as if the other log had been notarised.
    tamper(&pool, r#"UPDATE events SET payload = '{"n":0}' WHERE position = 100"#).await;
    sql(&pool, "DELETE FROM notary_tiles; DELETE FROM notary_checkpoints").await;
    let forger = Outside::new();
    let office = Office::open(&pool, &forger).await;
    rechain(&pool, &office, 100).await;
    office.signed(SIZE).await;
    office.close().await;

    let office = Office::open(&pool, &outside).await;
    let alarm = office.alarm().await;
    assert!(
        matches!(
            alarm,
            Alarm::Forked {
                after: 0,
                size: SIZE,
                ..
            }
        ),
        "{alarm:?}"
    );
    office.close().await;
}
