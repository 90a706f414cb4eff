//! The bundle of a log that was notarised: what a chain cannot show, its checkpoints do.

use std::fmt::Write as _;
use std::path::PathBuf;

use sqlx::{Executor as _, PgPool};
use tempfile::TempDir;

use super::database::{as_superuser, export_to, options, restore};
use super::story::{Event, flaw_with, judge_with, log_key, note, rechain, sign, story, write};
use crate::{Bundle, Trust, Verdict, Vouched, export};

const EVENTS: u64 = 20;

struct Shop {
    pool: PgPool,
    scratch: TempDir,
    /// Each bundle has a name of its own.
    bundles: usize,
}

impl Shop {
    fn new(pool: PgPool) -> Self {
        Self {
            pool,
            scratch: TempDir::new().unwrap(),
            bundles: 0,
        }
    }

    fn next(&mut self) -> PathBuf {
        self.bundles += 1;
        self.scratch.path().join(self.bundles.to_string())
    }

    /// Has the database hold these events, and none else.
    async fn hold(&mut self, events: &[Event]) {
        let path = self.next();
        write(events, &path);
        as_superuser(&self.pool, "TRUNCATE events").await;
        restore(&self.pool, &path).await.expect("restored");
    }

    /// What the notary stores when it has signed the log at these sizes.
    async fn notarise(&self, events: &[Event], sizes: &[usize]) {
        let hex = |bytes: &[u8]| {
            bytes.iter().fold(String::new(), |mut hex, byte| {
                let _whole = write!(hex, "{byte:02x}");
                hex
            })
        };
        for size in sizes {
            let root = hex(&sign(events, *size, &log_key()).root);
            let chain_hash = hex(&events[*size - 1].hash);
            let note = note(events, *size);
            let insert = format!(
                "INSERT INTO notary_checkpoints (size, root, chain_hash, signed_at, note)
                VALUES ({size}, '\\x{root}', '\\x{chain_hash}', now(), '{note}')"
            );
            self.pool.execute(insert.as_str()).await.expect("stored");
        }
    }

    async fn exported(&mut self) -> PathBuf {
        let path = self.next();
        export_to(&self.pool, &path).await;
        path
    }
}

fn kept(note: String) -> Trust {
    Trust {
        key: Some(log_key().verifier()),
        checkpoints: vec![note],
    }
}

async fn vouched(path: &std::path::Path, trust: &Trust) -> Option<Vouched> {
    match judge_with(path, trust).await {
        Verdict::Verified(summary) => summary.vouched,
        Verdict::Broken(flaw) => panic!("broken {flaw}"),
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_bundle_brings_what_was_signed_and_the_key(pool: PgPool) {
    let mut shop = Shop::new(pool);
    let events = story(EVENTS);
    shop.hold(&events).await;
    let unsigned = shop.exported().await;
    assert!(!Bundle::open(&unsigned).unwrap().has_checkpoints());
    assert_eq!(vouched(&unsigned, &Trust::default()).await, None);

    shop.notarise(&events, &[5, 10, 19]).await;
    let path = shop.exported().await;
    let own = vouched(&path, &Trust::default()).await.unwrap();
    assert_eq!((own.size, own.checkpoints, own.key_was_given), (19, 3, false));
    assert_eq!(own.root.0, sign(&events, 19, &log_key()).root);
    let given = vouched(&path, &kept(note(&events, 7))).await.unwrap();
    assert_eq!((given.size, given.checkpoints, given.key_was_given), (19, 4, true));

    let until = shop.next();
    export(&shop.pool, &until, &options(Some(12))).await.expect("exported");
    let part = vouched(&until, &Trust::default()).await.unwrap();
    assert_eq!((part.size, part.checkpoints), (10, 2));

    // Whoever exports may not have the key: the one who verifies has.
    let mut keyless = options(None);
    keyless.key = None;
    let path = shop.scratch.path().join("keyless.tar");
    export(&shop.pool, &path, &keyless).await.expect("exported");
    assert_eq!(vouched(&path, &Trust::default()).await, None);
    assert_eq!(vouched(&path, &kept(note(&events, 7))).await.unwrap().checkpoints, 4);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_log_that_was_made_anew_is_found_by_its_checkpoints(pool: PgPool) {
    let mut shop = Shop::new(pool);
    let events = story(EVENTS);
    shop.notarise(&events, &[5, 10, 20]).await;

    let mut rechained = events.clone();
    rechained[6].payload.push(' ');
    rechain(&mut rechained);
    shop.hold(&rechained).await;
    let path = shop.exported().await;
    let flaw = flaw_with(&path, &Trust::default()).await;
    assert_eq!((flaw.position, flaw.up_to), (Some(6), Some(10)), "{flaw}");
    assert!(
        flaw.to_string()
            .starts_with("between positions 6 and 10: the first 10 events are not those that"),
        "{flaw}"
    );
    // What the auditor has kept makes it more exact.
    let flaw = flaw_with(&path, &kept(note(&events, 6))).await;
    assert_eq!((flaw.position, flaw.up_to), (Some(7), Some(10)), "{flaw}");
    let flaw = flaw_with(&path, &kept(note(&events, 7))).await;
    assert_eq!((flaw.position, flaw.up_to), (Some(6), Some(7)), "{flaw}");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_log_that_was_cut_off_or_restored_is_found_by_its_checkpoints(pool: PgPool) {
    let mut shop = Shop::new(pool);
    let events = story(EVENTS);
    shop.notarise(&events, &[5, 10, 20]).await;
    shop.hold(&events[..15]).await;
    let path = shop.exported().await;
    let flaw = flaw_with(&path, &Trust::default()).await;
    assert_eq!((flaw.position, flaw.up_to), (Some(16), None), "{flaw}");
    assert!(
        flaw.reason.contains("signed 20 events, and the log ends at 15"),
        "{flaw}"
    );

    // An older dump has no later checkpoints either: only what was kept outside shows it.
    let forget = "DELETE FROM notary_checkpoints WHERE size > 10";
    shop.pool.execute(forget).await.expect("forgotten");
    let path = shop.exported().await;
    assert_eq!(vouched(&path, &Trust::default()).await.unwrap().size, 10);
    let flaw = flaw_with(&path, &kept(note(&events, 20))).await;
    assert_eq!((flaw.position, flaw.up_to), (Some(16), None), "{flaw}");

    // Also when the shop has gone on from there.
    let mut other = story(EVENTS + 5);
    other[15].payload.push(' ');
    rechain(&mut other);
    shop.hold(&other).await;
    let path = shop.exported().await;
    assert_eq!(vouched(&path, &Trust::default()).await.unwrap().size, 10);
    let flaw = flaw_with(&path, &kept(note(&events, 20))).await;
    assert_eq!((flaw.position, flaw.up_to), (Some(11), Some(20)), "{flaw}");
}
