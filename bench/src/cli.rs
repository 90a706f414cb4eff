//! The command line.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use clap::{Args, Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use crate::harness::{self, Curve, Results, Row};
use crate::measure::{self, Bench, Measure, Outcome};
use crate::peer::{self, StockServerOptions};
use crate::sim::{self, SimOptions};
use crate::world::{Cluster, Machine};
use boxoffice::output::{line, remark};

/// The short form ends within ten minutes, the removal of the database included.
const QUICK_LIMIT: Duration = Duration::from_secs(580);
/// One measure of the whole form.
const MEASURE_LIMIT: Duration = Duration::from_mins(20);

/// Measures boxoffice on this machine, beside what others reach on it
#[derive(Debug, Parser)]
#[command(name = "boxoffice-bench", version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The stock store behind HTTP, which the benchmark starts beside us
    #[command(hide = true)]
    StockServer(StockServerOptions),
    /// Simulates what is beyond this machine: a day of 1,000,000 rooms, an on-sale of 5,000,000 tries
    Sim(SimOptions),
}

#[derive(Debug, Args)]
struct Options {
    /// The short form: at most ten minutes
    #[arg(long)]
    quick: bool,
    /// Only these measures; the rows of the last run stand for the others
    #[arg(long, value_name = "NAME", num_args = 1..)]
    only: Vec<String>,
    /// Name the measures, and measure nothing
    #[arg(long)]
    list: bool,
    /// Write the tables of the last run into docs/PERFORMANCE.md, and measure nothing unless `--only` is given
    #[arg(long)]
    markdown: bool,
    /// Where results and the database go; a folder on the disk to be measured, never on a tmpfs
    #[arg(long, default_value = "target/bench", value_name = "PATH")]
    folder: PathBuf,
}

pub(crate) fn run() -> Result<ExitCode> {
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new("error"))
        .with_writer(std::io::stderr)
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match cli.command {
            Some(Command::StockServer(options)) => peer::serve(options).await.map(|()| ExitCode::SUCCESS),
            Some(Command::Sim(options)) => sim::sim(&options).map(|()| ExitCode::SUCCESS),
            None => bench(cli.options).await,
        }
    })
}

#[expect(clippy::future_not_send, reason = "runs on the main thread, as measures do")]
async fn bench(options: Options) -> Result<ExitCode> {
    if options.list {
        for measure in measure::ALL {
            line(measure.name);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let results = Results::new(options.folder.clone());
    let chosen = choose(&options)?;
    if !chosen.is_empty() {
        measure_all(&options, &results, &chosen).await?;
    }
    let (rows, curves) = results.read()?;
    if options.markdown {
        let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/PERFORMANCE.md");
        harness::refresh(&document, &results.machine()?, &rows, &curves)?;
    }
    let is_whole = !rows.iter().any(Row::is_broken);
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn choose(options: &Options) -> Result<Vec<&'static Measure>> {
    for name in &options.only {
        if !measure::ALL.iter().any(|measure| measure.name == name) {
            bail!("there is no measure {name:?}: see --list");
        }
    }
    let is_chosen = |measure: &&Measure| {
        if options.only.is_empty() {
            let has_time = !options.quick || !measure::LONG.contains(&measure.name);
            !options.markdown && has_time
        } else {
            options.only.iter().any(|name| name == measure.name)
        }
    };
    Ok(measure::ALL.iter().filter(is_chosen).collect())
}

#[expect(clippy::future_not_send, reason = "runs on the main thread, as measures do")]
async fn measure_all(options: &Options, results: &Results, chosen: &[&'static Measure]) -> Result<()> {
    let data = options.folder.join("data");
    std::fs::create_dir_all(&data).context("make the folder for the database")?;
    let bench = Bench {
        cluster: Cluster::start(&data).await.context("start a database cluster")?,
        is_quick: options.quick,
        folder: data,
    };
    let machine = format!("{}. {}.", Machine::look(), bench.cluster.describe().await?);
    remark(&machine);
    let is_part = !options.only.is_empty();
    let (mut rows, mut curves) = if is_part { results.read()? } else { (vec![], vec![]) };
    let begun = Instant::now();
    for measure in chosen {
        let started = Instant::now();
        let limit = if options.quick {
            QUICK_LIMIT.saturating_sub(begun.elapsed())
        } else {
            MEASURE_LIMIT
        };
        remark(format!("measuring {} …", measure.name));
        let outcome = tokio::select! {
            outcome = tokio::time::timeout(limit, (measure.run)(&bench)) => match outcome {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(error)) => Outcome::from(vec![Row::broken(measure.name, &error)]),
                Err(_) => Outcome::from(vec![Row::broken(measure.name, &anyhow!("its time was over"))]),
            },
            () = told_to_stop() => {
                bench.cluster.remove().await?;
                bail!("told to stop");
            }
        };
        remark(format!(
            "measured {} in {} s",
            measure.name,
            started.elapsed().as_secs()
        ));
        harness::print(&outcome.rows);
        // What it says in place of rows when it fails.
        rows.retain(|row| row.name != measure.name);
        merge(&mut rows, outcome.rows, |row| row.name.clone());
        merge(&mut curves, outcome.curves, |curve: &Curve| curve.name.clone());
        results.write(&machine, &rows, &curves)?;
    }
    bench.cluster.remove().await?;
    line("");
    harness::print(&rows);
    line(format!("\n{machine}\nwritten to {}", results.rows_path().display()));
    Ok(())
}

/// Ctrl-C, or what `kill` and `timeout` send.
async fn told_to_stop() {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

/// New ones in the place of their namesakes, or at the end.
fn merge<T>(all: &mut Vec<T>, new: Vec<T>, name: impl Fn(&T) -> String) {
    for item in new {
        match all.iter_mut().find(|old| name(old) == name(&item)) {
            Some(old) => *old = item,
            None => all.push(item),
        }
    }
}
