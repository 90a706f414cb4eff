//! What analysts do at the command line, on the database of a shop that runs.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokio::process::Command;

use crate::support::{Shop, ShopOptions, buy};

const LIMIT: Duration = Duration::from_mins(1);

/// A command on the shop's database: its exit code, and its last line as JSON.
async fn run(shop: &Shop, arguments: &[&str]) -> Result<(i32, Value)> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_boxoffice"));
    command.args(arguments).env("DATABASE_URL", shop.server.database_url());
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

    let lake = scratch.path().join("lake").display().to_string();
    let exported = succeeds(&shop, &["export", "parquet", &lake, "--json"]).await?;
    assert_eq!(exported["events"], head);
    assert_eq!(
        succeeds(&shop, &["export", "parquet", &lake, "--json"]).await?["files"],
        0
    );
    Ok(())
}
