//! What analysts do with a log: stream it, fold it by SQL and in Python, and export it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use analytics::install::{READER, install};
use analytics::parquet::{ExportPlan, export};
use analytics::project::{Fold, FoldPlan};
use analytics::star;
use anyhow::{Context, Result, ensure};
use api::auth::Role;
use event_log::{LogLimits, PostgresLog};
use futures::TryStreamExt as _;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use super::restart::{catch_up, processes_have_seen};
use super::{Bench, Outcome};
use crate::harness::{Goal, Rounds, Row, Sample, per_second};
use crate::load::fill;
use crate::world::{Database, Kind, Shop, token};

const PAGE: &str = include_str!("../../../docs/ANALYTICS.md");
const ANALYST: &str = "00000000-0000-7000-8000-00000a8a1157";
const POOL: u32 = 8;
const FOLD_PAGE: u64 = 20_000;
const FOLD_PAGE_LIMIT: Duration = Duration::from_mins(5);
/// The log grows while a server looks at it: by nothing that counts.
const NOT_COUNTED: usize = 100;

pub(super) async fn analysts(bench: &Bench) -> Result<Outcome> {
    let database = bench.cluster.fresh(Kind::Boxoffice).await?;
    let recorded = fill(&database, bench.pick(150_000, 2_000_000)).await?;
    let events = usize::try_from(recorded)?;
    let note = format!("A log of {events} events: whole purchases in rooms of a thousand.");
    let mut rows = over_http(bench, &database, events, &note).await?;
    let pool = database.pool(POOL);
    install(&pool, &READER.parse()?).await.context("install analytics")?;
    pool.close().await;
    let (mut late, mut star, mut parquet) = (Rounds::default(), Rounds::default(), Rounds::default());
    for round in 0..bench.rounds() {
        late.ours.push(fold(&database, own(round)?, events).await?);
        star.ours.push(
            fold(
                &database,
                FoldPlan {
                    anew: true,
                    ..star::plan(None, false)?
                },
                events,
            )
            .await?,
        );
        parquet.ours.push(files(bench, &database, round, events).await?);
    }
    bench.cluster.discard(database).await?;
    rows.push(
        Row::new("a fold by SQL", "events/s", &late, &[Goal::AtLeast(100_000.0)])
            .note(format!("{note} `late.sql` of docs/ANALYTICS.md, from the first event.")),
    );
    rows.push(
        Row::new("the star schema", "events/s", &star, &[])
            .note(format!("{note} `boxoffice analytics refresh`, from the first event.")),
    );
    rows.push(
        Row::new("export to Parquet", "events/s", &parquet, &[Goal::AtLeast(300_000.0)])
            .note(format!("{note} Every column of every event, zstd, on the disk.")),
    );
    Ok(rows.into())
}

/// The stream by itself, and with the Python client at its end.
async fn over_http(bench: &Bench, database: &Database, events: usize, note: &str) -> Result<Vec<Row>> {
    processes_have_seen(database).await?;
    let shop = Shop::ours(&bench.folder, database, &[]).await?;
    catch_up(database).await?;
    let (mut stream, mut python) = (Rounds::default(), Rounds::default());
    for round in 0..bench.rounds() {
        stream.ours.push(lines(&shop, events).await?);
        python.ours.push(client(bench, &shop, round, events).await?);
    }
    shop.stop().await?;
    Ok(vec![
        Row::new("the log as NDJSON", "events/s", &stream, &[Goal::AtLeast(100_000.0)])
            .note(format!("{note} One client of `GET /v1/log/events` that counts lines.")),
        Row::new("a fold in Python", "events/s", &python, &[Goal::AtLeast(100_000.0)]).note(format!(
            "{note} `late.py` of docs/ANALYTICS.md: the interpreter's start, the stream, and the fold."
        )),
    ])
}

fn analyst() -> Result<String> {
    token(ANALYST, &[Role::Analyst])
}

async fn lines(shop: &Shop, events: usize) -> Result<Sample> {
    let client = reqwest::Client::new();
    let request = client
        .get(format!("{}/v1/log/events", shop.url()))
        .bearer_auth(analyst()?);
    let started = Instant::now();
    let answer = request
        .header("Accept", "application/x-ndjson")
        .send()
        .await?
        .error_for_status()?;
    let count = async |sum: usize, part: axum::body::Bytes| Ok(sum + part.split(|byte| *byte == b'\n').count() - 1);
    let lines = answer.bytes_stream().try_fold(0, count).await?;
    let elapsed = started.elapsed();
    ensure!(
        (events..events + NOT_COUNTED).contains(&lines),
        "{lines} lines of {events} events"
    );
    Ok(Sample::plain(per_second(lines, elapsed)))
}

/// A block of the page, by its mark.
fn block(mark: &str) -> Result<&'static str> {
    let (_, rest) = PAGE
        .split_once(&format!("<!-- {mark} -->\n"))
        .context("the page has the block")?;
    let block = rest.split_once('\n').and_then(|(_, rest)| rest.split_once("```"));
    block.map(|(block, _)| block).context("the block ends")
}

async fn client(bench: &Bench, shop: &Shop, round: usize, events: usize) -> Result<Sample> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let named = std::env::var_os("BOXOFFICE_PYTHON").map(PathBuf::from);
    let folder = bench.folder.join(format!("python-{round}"));
    std::fs::create_dir_all(&folder)?;
    let mut python = Command::new(named.unwrap_or_else(|| "python3".into()));
    python
        .arg("-c")
        .arg(block("file: late.py")?)
        .current_dir(&folder)
        .kill_on_drop(true);
    python.env("PYTHONPATH", root.join("clients/python"));
    python
        .env("BOXOFFICE_URL", shop.url())
        .env("BOXOFFICE_TOKEN", analyst()?);
    let started = Instant::now();
    let output = python.output().await.context("run Python")?;
    let elapsed = started.elapsed();
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::remove_dir_all(&folder)?;
    Ok(Sample::plain(per_second(events, elapsed)))
}

/// The fold of the page, under a name of its own.
fn own(round: usize) -> Result<FoldPlan> {
    Ok(FoldPlan {
        schema: format!("notice_{round}").parse()?,
        name: "late".to_owned(),
        script: block("file: late.sql")?.parse()?,
        anew: true,
        anew_if_changed: false,
        page: FOLD_PAGE,
        page_limit: FOLD_PAGE_LIMIT,
        up_to: None,
        follow: false,
    })
}

async fn fold(database: &Database, plan: FoldPlan, events: usize) -> Result<Sample> {
    let pool = database.pool(POOL);
    let mut fold = Fold::open(&pool, plan).await.context("open the fold")?;
    let started = Instant::now();
    let report = fold.run(&CancellationToken::new()).await.context("fold")?;
    let elapsed = started.elapsed();
    fold.close().await;
    pool.close().await;
    ensure!(
        usize::try_from(report.position)? >= events,
        "it stopped at {}",
        report.position
    );
    Ok(Sample::plain(per_second(events, elapsed)))
}

async fn files(bench: &Bench, database: &Database, round: usize, events: usize) -> Result<Sample> {
    let pool = database.pool(POOL);
    let log = PostgresLog::for_reading(pool.clone(), &LogLimits::default());
    let folder = bench.folder.join(format!("lake-{round}"));
    let plan = ExportPlan {
        folder: folder.clone(),
        from: None,
    };
    let started = Instant::now();
    let report = export(&*log, &pool, &plan, |_| {}, &CancellationToken::new())
        .await
        .context("export")?;
    let elapsed = started.elapsed();
    pool.close().await;
    std::fs::remove_dir_all(&folder)?;
    ensure!(
        usize::try_from(report.reached)? >= events,
        "it stopped at {}",
        report.reached
    );
    Ok(Sample::plain(per_second(events, elapsed)))
}
