//! Out of a database and into another one.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use event_log::LogLimits;
use event_log::verify::{self, verify_chain};
use sqlx::{Connection as _, Executor as _, PgConnection, PgPool, Row as _};
use tempfile::TempDir;

use super::story::{Event, at, flaw, judge, log_key, rechain, story, write};
use crate::format::{SEGMENT_EVENTS, segment_name};
use crate::{ArchiveError, Bundle, ExportOptions, Exported, Imported, Verdict, export, import, require_empty};

/// Looks for a step that never comes.
const KILL_LOOKS: usize = 100_000;

pub(super) fn options(until: Option<u64>) -> ExportOptions {
    ExportOptions {
        until,
        made_at: at(0),
        made_by: "boxoffice's tests".to_owned(),
        key: Some(log_key().verifier()),
    }
}

pub(super) async fn restore(pool: &PgPool, path: &Path) -> Result<Imported, ArchiveError> {
    import(pool, &Arc::new(Bundle::open(path).expect("a bundle"))).await
}

pub(super) async fn export_to(pool: &PgPool, path: &Path) -> Exported {
    export(pool, path, &options(None)).await.expect("exported")
}

/// A database with the log of these events.
async fn filled(pool: &PgPool, scratch: &TempDir, events: &[Event]) {
    let path = scratch.path().join("source");
    write(events, &path);
    restore(pool, &path).await.expect("restored");
}

/// What somebody does who may do everything.
pub(super) async fn as_superuser(pool: &PgPool, statement: &str) {
    let mut connection = pool.acquire().await.expect("a connection");
    for statement in [
        "SET session_replication_role = replica",
        statement,
        "RESET session_replication_role",
    ] {
        connection.execute(statement).await.expect("the superuser may");
    }
}

async fn rows(pool: &PgPool) -> Vec<(i64, String, String, i64, String, String, String, String, i64, Vec<u8>)> {
    let select = "
        SELECT position, aggregate_type, aggregate_id, sequence, event_type, event_version, payload::text, metadata::text,
            (extract(epoch FROM recorded_at) * 1000000)::bigint, hash
        FROM events ORDER BY position";
    let rows = pool.fetch_all(select).await.expect("the table");
    let row = |row: &sqlx::postgres::PgRow| {
        (
            row.get(0),
            row.get(1),
            row.get(2),
            row.get(3),
            row.get(4),
            row.get(5),
            row.get(6),
            row.get(7),
            row.get(8),
            row.get(9),
        )
    };
    rows.iter().map(row).collect()
}

async fn definitions(pool: &PgPool) -> Vec<String> {
    let select = "
        SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 'events'::regclass
        UNION SELECT conname || pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'events'::regclass ORDER BY 1";
    let rows = pool.fetch_all(select).await.expect("the catalogue");
    rows.iter().map(|row| row.get(0)).collect()
}

#[sqlx::test(migrations = "../migrations")]
async fn a_log_comes_back_byte_for_byte(pool: PgPool) {
    let scratch = TempDir::new().unwrap();
    let keys = definitions(&pool).await;
    let events = story(SEGMENT_EVENTS + 100);
    filled(&pool, &scratch, &events).await;
    assert_eq!(definitions(&pool).await, keys, "the table is as it was made");
    let stored = rows(&pool).await;
    assert_eq!(stored.len(), events.len());
    for (row, event) in stored.iter().zip(&events) {
        assert_eq!(
            (&row.6, &row.7, row.8),
            (&event.payload, &event.metadata, event.recorded_at_us)
        );
        assert_eq!(row.9, event.hash);
    }
    let last = events.last().unwrap();
    let verified = verify_chain(&pool).await.expect("read");
    assert!(matches!(verified, verify::Verdict::Verified { head, .. } if head.hash == last.hash));

    for name in ["again", "again.tar"] {
        let path = scratch.path().join(name);
        let exported = export_to(&pool, &path).await;
        assert_eq!((exported.events, exported.segments), (last.position, 2));
        assert_eq!(exported.head.hash.0, last.hash);
        assert!(matches!(judge(&path).await, Verdict::Verified(summary) if summary.head == exported.head));
    }
    for first in [1, SEGMENT_EVENTS + 1] {
        let text = |folder| {
            zstd::decode_all(&*fs::read(scratch.path().join(folder).join(segment_name(first))).unwrap()).unwrap()
        };
        assert_eq!(text("again"), text("source"));
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn an_export_goes_as_far_as_is_wanted_and_writes_over_nothing(pool: PgPool) {
    let scratch = TempDir::new().unwrap();
    filled(&pool, &scratch, &story(10)).await;
    let path = scratch.path().join("bundle");
    let exported = export(&pool, &path, &options(Some(7))).await.expect("exported");
    assert_eq!(exported.head.position, 7);
    assert!(matches!(judge(&path).await, Verdict::Verified(summary) if summary.events == 7));
    let again = export(&pool, &path, &options(None)).await;
    assert!(matches!(again, Err(ArchiveError::TargetExists(_))), "{again:?}");
    let beyond = export(&pool, &scratch.path().join("beyond"), &options(Some(11))).await;
    assert!(
        matches!(beyond, Err(ArchiveError::BeyondTheEnd { until: 11, head: 10 })),
        "{beyond:?}"
    );
    assert!(!scratch.path().join("beyond").exists() && !scratch.path().join("beyond.draft").exists());
}

#[sqlx::test(migrations = "../migrations")]
async fn what_an_export_left_behind_is_cleared_away_and_nothing_else(pool: PgPool) {
    let scratch = TempDir::new().unwrap();
    filled(&pool, &scratch, &story(10)).await;
    // As after a power cut: a segment and no manifest.
    let draft = scratch.path().join("bundle.draft");
    fs::create_dir_all(draft.join("segments")).unwrap();
    fs::write(draft.join(segment_name(1)), "half").unwrap();
    fs::write(draft.join("lock"), "").unwrap();
    let path = scratch.path().join("bundle");
    export_to(&pool, &path).await;
    assert!(matches!(judge(&path).await, Verdict::Verified(_)));
    assert!(!draft.exists());

    let mine = scratch.path().join("other.draft");
    fs::create_dir_all(&mine).unwrap();
    fs::write(mine.join("letter.txt"), "mine").unwrap();
    let refused = export(&pool, &scratch.path().join("other"), &options(None)).await;
    assert!(matches!(refused, Err(ArchiveError::ForeignDraft(_))), "{refused:?}");
    assert!(mine.join("letter.txt").exists());
}

#[sqlx::test(migrations = "../migrations")]
async fn a_bundle_goes_into_an_empty_database_only(pool: PgPool) {
    let scratch = TempDir::new().unwrap();
    let path = scratch.path().join("bundle");
    write(&story(10), &path);
    let mut leader = pool.acquire().await.unwrap().detach();
    let lock = LogLimits::default().leader_lock;
    leader
        .execute(format!("SELECT pg_advisory_lock({lock})").as_str())
        .await
        .unwrap();
    let led = restore(&pool, &path).await;
    assert!(matches!(led, Err(ArchiveError::Led)), "{led:?}");
    leader.close().await.unwrap();

    let follower = "INSERT INTO projection_checkpoint VALUES ('ledger', 1, 5, sha256(''))";
    pool.execute(follower).await.unwrap();
    let in_use = restore(&pool, &path).await;
    assert!(
        matches!(in_use, Err(ArchiveError::InUse { position: 5, .. })),
        "{in_use:?}"
    );
    assert!(require_empty(&pool).await.is_err());
    pool.execute("DELETE FROM projection_checkpoint").await.unwrap();

    restore(&pool, &path).await.expect("restored");
    let before = rows(&pool).await;
    let again = restore(&pool, &path).await;
    assert!(matches!(again, Err(ArchiveError::NotEmpty { last: 10 })), "{again:?}");
    assert!(matches!(
        require_empty(&pool).await,
        Err(ArchiveError::NotEmpty { last: 10 })
    ));
    assert_eq!(rows(&pool).await, before);
}

#[sqlx::test(migrations = "../migrations")]
async fn nobody_leads_a_log_while_it_is_restored(pool: PgPool) {
    let scratch = TempDir::new().unwrap();
    let path = scratch.path().join("bundle");
    write(&story(12), &path);
    // The import waits for the table.
    let mut reader = pool.acquire().await.expect("a connection");
    reader
        .execute("BEGIN; LOCK TABLE events IN ACCESS SHARE MODE")
        .await
        .expect("locked");
    let leads = async {
        let waiting = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let mut looks = 0;
        while pool.fetch_optional(waiting).await.expect("looked").is_none() {
            looks += 1;
            assert!(looks < KILL_LOOKS, "it does not wait");
        }
        let lead = format!("SELECT pg_try_advisory_xact_lock({})", LogLimits::default().leader_lock);
        let leads: bool = pool.fetch_one(lead.as_str()).await.expect("asked").get(0);
        reader.execute("ROLLBACK").await.expect("let go");
        leads
    };
    let (restored, leads) = tokio::join!(restore(&pool, &path), leads);
    assert!(!leads);
    assert_eq!(restored.expect("restored").events, 12);
}

#[sqlx::test(migrations = "../migrations")]
async fn nothing_of_a_bundle_that_is_wrong_is_restored(pool: PgPool) {
    let scratch = TempDir::new().unwrap();
    let keys = definitions(&pool).await;
    let mut events = story(SEGMENT_EVENTS + 10);
    let last = events.len() - 1;
    events[last].payload.push(' ');
    let path = scratch.path().join("bundle");
    write(&events, &path);
    let broken = restore(&pool, &path).await;
    assert!(
        matches!(&broken, Err(ArchiveError::Broken(flaw)) if flaw.position == Some(SEGMENT_EVENTS + 10)),
        "{broken:?}"
    );
    assert!(rows(&pool).await.is_empty());
    assert_eq!(definitions(&pool).await, keys);
    // What is in order cannot be restored where PostgreSQL refuses it: a payload that is no JSON.
    let mut events = story(3);
    events[1].payload = "no JSON".to_owned();
    rechain(&mut events);
    let path = scratch.path().join("no-json");
    write(&events, &path);
    assert!(restore(&pool, &path).await.is_err());
    assert!(rows(&pool).await.is_empty());
}

/// Ends the session that works on such a statement, as a crash of the server would. `false` if nobody was seen to.
async fn kill_at(pool: &PgPool, step: &str) -> bool {
    let mut connection = PgConnection::connect_with(&pool.connect_options()).await.unwrap();
    let kill = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'active' AND ltrim(query, E' \\n') LIKE '{step}'"
    );
    let mut was_killed = false;
    for _ in 0..KILL_LOOKS {
        was_killed = !connection.fetch_all(kill.as_str()).await.unwrap().is_empty();
        let is_over =
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'ANALYZE events%'";
        if was_killed || !connection.fetch_all(is_over).await.unwrap().is_empty() {
            break;
        }
    }
    connection.close().await.unwrap();
    was_killed
}

#[sqlx::test(migrations = "../migrations")]
async fn an_import_that_is_broken_off_leaves_nothing(pool: PgPool) {
    let scratch = TempDir::new().unwrap();
    let keys = definitions(&pool).await;
    let path = scratch.path().join("bundle");
    write(&story(SEGMENT_EVENTS * 2), &path);
    let bundle = Arc::new(Bundle::open(&path).unwrap());
    for step in ["COPY events%", "ALTER TABLE events ADD%", "CREATE UNIQUE INDEX%"] {
        let (imported, was_killed) = tokio::join!(import(&pool, &bundle), kill_at(&pool, step));
        if !was_killed {
            // The step was over sooner than anybody looked: then all of it is there. The copy takes longer than that.
            imported.expect("restored");
            assert!(!step.starts_with("COPY"), "nobody saw the copy");
            break;
        }
        imported.expect_err("the session is gone");
        assert!(rows(&pool).await.is_empty(), "killed at {step}");
        assert_eq!(definitions(&pool).await, keys);
    }
    if rows(&pool).await.is_empty() {
        restore(&pool, &path).await.expect("the next one restores it");
    }
    assert_eq!(rows(&pool).await.len() as u64, SEGMENT_EVENTS * 2);
}

/// Each is what a superuser can do to the table, and the first position at which the export shows it.
const DRILL: &[(&str, &str, u64)] = &[
    (
        "edit",
        "UPDATE events SET payload = '{\"type\":\"room_ended\"}' WHERE position = 7",
        7,
    ),
    (
        "edit of the time",
        "UPDATE events SET recorded_at = recorded_at + interval '1 microsecond' WHERE position = 8",
        8,
    ),
    ("delete", "DELETE FROM events WHERE position = 9", 9),
    (
        "delete and close up",
        "WITH gone AS (DELETE FROM events WHERE position = 9)
         UPDATE events SET position = position - 1 WHERE position > 9",
        9,
    ),
    (
        "insert",
        "WITH later AS (UPDATE events SET position = position + 1 WHERE position > 4)
         INSERT INTO events SELECT 5, aggregate_type, aggregate_id, 1000, event_type, event_version, payload, metadata,
            recorded_at, hash FROM events WHERE position = 4",
        5,
    ),
    (
        "swap",
        "UPDATE events SET position = CASE position WHEN 11 THEN 12 ELSE 11 END WHERE position IN (11, 12)",
        11,
    ),
];

#[sqlx::test(migrations = "../migrations")]
async fn whatever_a_superuser_does_to_the_table_the_export_shows(pool: PgPool) {
    let scratch = TempDir::new().unwrap();
    filled(&pool, &scratch, &story(20)).await;
    // Rows are moved about: whoever does that takes the fence away first.
    as_superuser(&pool, "DROP INDEX events_position").await;
    as_superuser(&pool, "CREATE TABLE kept AS TABLE events").await;
    for (name, statement, position) in DRILL {
        as_superuser(&pool, statement).await;
        let path = scratch.path().join(name);
        export_to(&pool, &path).await;
        let (found, reason) = flaw(&path).await;
        assert_eq!(found, Some(*position), "{name}: {reason}");
        as_superuser(&pool, "TRUNCATE events").await;
        as_superuser(&pool, "INSERT INTO events TABLE kept").await;
    }
    let path = scratch.path().join("untouched");
    export_to(&pool, &path).await;
    assert!(matches!(judge(&path).await, Verdict::Verified(_)));

    as_superuser(&pool, "UPDATE events SET payload = E'{\\n}' WHERE position = 3").await;
    let refused = export(&pool, &scratch.path().join("line-break"), &options(None)).await;
    assert!(
        matches!(refused, Err(ArchiveError::Unwritable { position: 3, .. })),
        "{refused:?}"
    );
}
