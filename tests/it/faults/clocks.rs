//! The server's clock jumps an hour, both ways. PostgreSQL's and the clients' stay.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::arena::Arena;
use super::tools::tool;

/// `faketime`'s library, which a program is started with. It reads the offset from a file, so that a clock can jump while
/// the program runs. Clocks that only go forward are left alone.
fn faked_clock(offset: &Path) -> Result<Vec<(String, String)>> {
    tool("faketime")?;
    let setting = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Ok(vec![
        setting("LD_PRELOAD", &library()?.display().to_string()),
        setting("FAKETIME_TIMESTAMP_FILE", &offset.display().to_string()),
        setting("FAKETIME_NO_CACHE", "1"),
        setting("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ])
}

fn library() -> Result<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib")?.flatten();
    let candidates = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    let mut found = candidates
        .chain(["/usr/lib/faketime/libfaketimeMT.so.1".into()])
        .filter(|path| path.exists());
    found
        .next()
        .context("libfaketimeMT is missing: `scripts/setup test` installs it on Debian, as root")
}

/// Readers see the old offset or the new one, never half of it.
fn jump(offset: &Path, to: &str) -> Result<()> {
    let draft = offset.with_extension("draft");
    std::fs::write(&draft, format!("{to}\n"))?;
    Ok(std::fs::rename(draft, offset)?)
}

/// By how many minutes the newest hold is ahead of PostgreSQL's clock.
async fn minutes_ahead(arena: &Arena) -> Result<i64> {
    let select = "
        SELECT (extract(epoch FROM (payload->>'held_at')::timestamptz - now()) / 60)::bigint FROM events
        WHERE event_type = 'seat_held' ORDER BY position DESC LIMIT 1";
    arena.cluster.number(select).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_an_hour_both_ways_costs_nobody_anything() -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let offset = scratch.path().join("offset");
    jump(&offset, "+0")?;
    let arena = Arena::open(faked_clock(&offset)?).await?;
    for (seed, to, expected) in [(1, "+1h", 60), (2, "-1h", -60), (3, "+0", 0)] {
        arena.open_rooms().await?;
        let crowd = arena.send_crowd(seed).await?;
        jump(&offset, to)?;
        arena.wait_for_sales(arena.lines()).await?;
        arena.wait_for_sales(arena.lines()).await?;
        let ahead = minutes_ahead(&arena).await?;
        ensure!(
            (ahead - expected).abs() <= 2,
            "the clock was to be {expected} minutes ahead, and is {ahead}"
        );
        println!("{to}: {}", arena.judge(crowd).await?);
    }
    Ok(())
}
