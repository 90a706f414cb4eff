//! What analysts do at the command line, on the database of a shop that runs.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use boxoffice::client::eventually;
use serde_json::Value;
use sqlx::{Executor, PgPool, Row};
use tokio::process::Command;

use crate::support::{Shop, ShopOptions, buy};

const LIMIT: Duration = Duration::from_mins(1);

/// A command on the shop's database: its exit code, and its last line as JSON.
async fn run(shop: &Shop, arguments: &[&str]) -> Result<(i32, Value)> {
    run_on(shop, shop.server.database_url(), arguments).await
}

async fn run_on(shop: &Shop, database_url: &str, arguments: &[&str]) -> Result<(i32, Value)> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_boxoffice"));
    command.args(arguments).env("DATABASE_URL", database_url);
    command.env("BOXOFFICE_DATA_DIR", shop.server.options().data_dir.join("analyst"));
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(LIMIT, command.output())
        .await
        .context("the command takes too long")??;
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    let code = output.status.code().with_context(|| format!("it was killed: {err}"))?;
    let last = out.lines().last().and_then(|line| serde_json::from_str(line).ok());
    Ok((code, last.unwrap_or_else(|| Value::from(format!("{out}{err}")))))
}

async fn succeeds(shop: &Shop, arguments: &[&str]) -> Result<Value> {
    let (code, answer) = run(shop, arguments).await?;
    ensure!(code == 0, "{arguments:?}: {answer}");
    Ok(answer)
}

const SIGNALS_MAX: usize = 100;
const BETWEEN_SIGNALS: Duration = Duration::from_millis(100);

/// A replay that waits for a row that somebody else holds, so that what it has begun is not done when it ends.
async fn interrupted(shop: &Shop, arguments: &[&str], signal: &str) -> Result<Option<i32>> {
    let pool = PgPool::connect(shop.server.database_url()).await?;
    let mut held = pool.acquire().await?.detach();
    held.execute("BEGIN").await?;
    held.execute("SELECT FROM summer.replay FOR UPDATE").await?;
    let began: String = held.fetch_one("SELECT clock_timestamp()::text").await?.try_get(0)?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_boxoffice"));
    command.args(arguments).env("DATABASE_URL", shop.server.database_url());
    command.env("BOXOFFICE_DATA_DIR", shop.server.options().data_dir.join("analyst"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
    let mut replay = command.spawn()?;
    // Not one that was killed before, of which the database has not noticed.
    let waiting = format!(
        "SELECT FROM pg_stat_activity WHERE datname = current_database() AND backend_start > '{began}'
        AND wait_event_type = 'Lock' AND query LIKE 'UPDATE summer.replay%'"
    );
    let waits = async || Ok::<_, anyhow::Error>(pool.fetch_optional(waiting.as_str()).await?.map(drop));
    eventually("the replay waits", LIMIT, waits).await?;
    let pid = replay.id().context("it runs")?.to_string();
    // Ctrl-C once lets it finish what it has begun, which it cannot: it is pressed until it has ended.
    let mut ended = None;
    for _ in 0..SIGNALS_MAX {
        Command::new("kill")
            .args([signal, &pid])
            .stderr(Stdio::null())
            .status()
            .await?;
        if let Ok(status) = tokio::time::timeout(BETWEEN_SIGNALS, replay.wait()).await {
            ended = Some(status?);
            break;
        }
    }
    held.execute("ROLLBACK").await?;
    Ok(ended.context("it does not end")?.code())
}

/// Whatever ends a replay, the same command goes on from what was committed, and comes to what an undisturbed one comes to.
async fn is_killed_and_goes_on(shop: &Shop, head: u64) -> Result<()> {
    let summer = ["replay", "--into", "summer", "--views", "catalogue,ledger", "--json"];
    succeeds(shop, &[&summer[..], &["--until", "3"]].concat()).await?;
    assert_eq!(interrupted(shop, &summer, "-KILL").await?, None);
    assert_eq!(interrupted(shop, &summer, "-INT").await?, Some(130));
    let pool = PgPool::connect(shop.server.database_url()).await?;
    let moved = "SELECT FROM summer.replay WHERE position <> 3";
    ensure!(
        pool.fetch_optional(moved).await?.is_none(),
        "it moved without its tables"
    );
    let unlocked = async || {
        let (code, answer) = run(shop, &summer).await?;
        Ok::<_, anyhow::Error>((code == 0).then_some(answer))
    };
    // What the killed one had locked is let go when the database notices.
    let whole = eventually("the replay goes on", LIMIT, unlocked).await?;
    assert_eq!(
        (&whole["events"], &whole["position"]),
        (&(head - 3).into(), &head.into())
    );
    for table in ["ledger.lines", "catalogue.rooms"] {
        let rows = |replay: &str| format!("SELECT row::text FROM {replay}_{table} AS row");
        let (spring, summer) = (rows("spring"), rows("summer"));
        let differs = format!("({spring} EXCEPT {summer}) UNION ALL ({summer} EXCEPT {spring})");
        ensure!(
            pool.fetch_optional(differs.as_str()).await?.is_none(),
            "{table} differs"
        );
        let some = format!("SELECT FROM summer_{table} LIMIT 1");
        ensure!(pool.fetch_optional(some.as_str()).await?.is_some(), "{table} is empty");
    }
    Ok(())
}

/// A time is the last position that was recorded by then.
async fn is_as_of_a_time(shop: &Shop) -> Result<()> {
    let pool = PgPool::connect(shop.server.database_url()).await?;
    let written = r#"to_char(third.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"#;
    let moment = format!(
        "SELECT {written} AS time, max(events.position) AS position
        FROM events AS third JOIN events ON events.recorded_at <= third.recorded_at
        WHERE third.position = 3 GROUP BY third.recorded_at"
    );
    let row = pool.fetch_one(moment.as_str()).await?;
    let (time, position): (String, i64) = (row.try_get("time")?, row.try_get("position")?);
    let autumn = [
        "replay",
        "--into",
        "autumn",
        "--views",
        "catalogue",
        "--until",
        &time,
        "--json",
    ];
    assert_eq!(succeeds(shop, &autumn).await?["position"], position, "as of {time}");
    Ok(())
}

const COUNT: &str = "-- boxoffice:setup
DROP TABLE IF EXISTS seats;
CREATE TABLE seats (ticket_id uuid PRIMARY KEY);
-- boxoffice:page
INSERT INTO seats SELECT ticket_id FROM events_seat_held WHERE position > :after AND position <= :until;
";

#[tokio::test(flavor = "multi_thread")]
async fn an_analyst_replays_folds_and_exports_beside_a_running_shop() -> Result<()> {
    let shop = Shop::open(ShopOptions::default()).await?;
    let room = shop.schedule(5, 60).await?;
    let buyer = shop.person().await?;
    buy(&buyer, &room).await?;
    let scratch = tempfile::tempdir()?;

    let spring = ["replay", "--into", "spring", "--views", "catalogue,ledger", "--json"];
    let early = succeeds(&shop, &[&spring[..], &["--until", "2"]].concat()).await?;
    assert_eq!((&early["position"], &early["outcome"]), (&2.into(), &"reached".into()));
    let now = succeeds(&shop, &spring).await?;
    let head = now["position"].as_u64().context("a position")?;
    assert_eq!(now["events"], head - 2, "it goes on where it was");
    let (code, refused) = run(&shop, &[&spring[..], &["--until", "2"]].concat()).await?;
    assert_eq!(code, 1, "{refused}");
    let (code, refused) = run(&shop, &["replay", "--into", "view_ledger"]).await?;
    assert_eq!(code, 2, "{refused}");
    is_killed_and_goes_on(&shop, head).await?;
    is_as_of_a_time(&shop).await?;
    let what_if = ["replay", "--into", "what_if", "--preset", "ticketed-spaces", "--json"];
    assert_eq!(succeeds(&shop, &what_if).await?["position"], head);

    let sql = scratch.path().join("count.sql");
    std::fs::write(&sql, COUNT)?;
    let sql = sql.display().to_string();
    let project = ["project", "--sql", &sql, "--into", "mine", "--json"];
    let (code, early) = run(&shop, &project).await?;
    assert_eq!(code, 1, "{early}");
    assert!(early.to_string().contains("boxoffice analytics install"), "{early}");
    succeeds(&shop, &["analytics", "install"]).await?;
    assert_eq!(
        succeeds(&shop, &["analytics", "refresh", "--json"]).await?["outcome"],
        "reached"
    );
    assert_eq!(succeeds(&shop, &project).await?["position"], head);
    assert_eq!(succeeds(&shop, &project).await?["events"], 0);

    is_folded_by_a_role_of_its_own(&shop, scratch.path(), head).await?;
    if cfg!(feature = "parquet") {
        is_exported_once(&shop, scratch.path(), head).await?;
    }
    Ok(())
}

/// A block of the page for analysts, by its mark.
fn block<'a>(page: &'a str, mark: &str) -> Result<&'a str> {
    let (_, rest) = page
        .split_once(&format!("<!-- {mark} -->\n```sql\n"))
        .context("the mark")?;
    Ok(rest.split_once("```").context("the end of the block")?.0)
}

/// Somebody else's fold, as the page says: with no rights but those of a role of its own, whatever it tries.
async fn is_folded_by_a_role_of_its_own(shop: &Shop, folder: &Path, head: u64) -> Result<()> {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ANALYTICS.md"))?;
    // Roles are the cluster's, which may have one of this name.
    let ann = format!("ann_{}", std::process::id());
    let roles = block(&page, "role: ann")?.replace("ann", &ann);
    let url = shop.server.database_url();
    PgPool::connect(url).await?.execute(roles.as_str()).await?;
    let of_ann = url.replacen("//boxoffice@", &format!("//{ann}@"), 1);
    ensure!(of_ann != url, "the owner of {url}");
    let sql = folder.join("late.sql");
    std::fs::write(&sql, block(&page, "file: late.sql")?)?;
    let sql = sql.display().to_string();
    let project = ["project", "--sql", &sql, "--into", &ann, "--json"];
    let until: &[&[&str]] = &[&["--until", "2"], &["--until", "2999-01-01"], &[]];
    for (until, position) in until.iter().zip([2, head, head]) {
        let (code, answer) = run_on(shop, &of_ann, &[&project[..], until].concat()).await?;
        assert_eq!(
            (code, &answer["position"]),
            (0, &position.into()),
            "{until:?}: {answer}"
        );
    }
    let greedy = folder.join("greedy.sql");
    let taken = "-- boxoffice:setup\n-- boxoffice:page\nSELECT set_config('role', 'none', true);
        SELECT FROM public.events WHERE position > :after AND position <= :until;";
    std::fs::write(&greedy, taken)?;
    let greedy = greedy.display().to_string();
    let (code, refused) = run_on(shop, &of_ann, &["project", "--sql", &greedy, "--into", &ann]).await?;
    assert!(
        code == 1 && refused.to_string().contains("permission denied"),
        "{refused}"
    );
    Ok(())
}

async fn is_exported_once(shop: &Shop, folder: &Path, head: u64) -> Result<()> {
    let lake = folder.join("lake").display().to_string();
    let export = ["export", "parquet", &lake, "--json"];
    assert_eq!(succeeds(shop, &export).await?["events"], head);
    assert_eq!(succeeds(shop, &export).await?["files"], 0);
    Ok(())
}
