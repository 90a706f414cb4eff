//! `boxoffice log export`, `log import`, and `log verify` of a bundle: the log as evidence that leaves the house.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use archive::{ArchiveError, Bundle, Flaw, Summary, Verdict};
use clap::Args;
use event_log::clock::{Clock as _, SystemClock};
use serde_json::{Value, json};

use crate::database::{Database, DatabaseAccess};
use crate::output;

/// Exit code when a bundle could not be judged.
const NOT_JUDGED: u8 = 2;

#[derive(Clone, Debug, Args)]
pub(crate) struct ExportOptions {
    /// Where to: a folder that is not there yet, or a file whose name ends in `.tar`
    #[arg(value_name = "DIR|FILE.tar")]
    target: PathBuf,
    /// The last event to export, instead of the last there is
    #[arg(long, value_name = "POSITION")]
    until: Option<u64>,
    /// Answer with a line of JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseAccess,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ImportOptions {
    /// The bundle that `log export` wrote
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,
    /// Answer with a line of JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseAccess,
}

pub(crate) async fn export(options: &ExportOptions) -> anyhow::Result<ExitCode> {
    let database = Database::for_command(&options.database).await?;
    let task = archive::ExportOptions {
        until: options.until,
        made_at: SystemClock.now(),
        made_by: concat!("boxoffice ", env!("CARGO_PKG_VERSION")).to_owned(),
    };
    let exported = archive::export(&database.pool, &options.target, &task).await;
    database.close().await;
    let exported = exported.context("export the log")?;
    let head = exported.head;
    if options.json {
        output::line(json!({
            "events": exported.events, "position": head.position, "hash": head.hash,
            "segments": exported.segments, "bytes": exported.bytes,
        }));
    } else {
        output::line(format!(
            "exported: {} events, head at position {}, hash {}; {} segments, {} bytes",
            exported.events, head.position, head.hash, exported.segments, exported.bytes
        ));
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn import(options: &ImportOptions) -> anyhow::Result<ExitCode> {
    let bundle = Arc::new(Bundle::open(&options.bundle)?);
    let database = Database::for_command(&options.database).await?;
    let imported = restore(&database, &bundle).await;
    database.close().await;
    let imported = match imported.map_err(anyhow::Error::downcast::<ArchiveError>) {
        Ok(imported) => imported,
        Err(Ok(ArchiveError::Broken(flaw))) => bail!("nothing was restored: the bundle is broken {flaw}"),
        Err(Ok(error)) => return Err(error).context("restore the log"),
        Err(Err(error)) => return Err(error).context("restore the log"),
    };
    let head = imported.head;
    if options.json {
        output::line(json!({ "events": imported.events, "position": head.position, "hash": head.hash }));
    } else {
        output::line(format!(
            "restored: {} events, head at position {}, hash {}",
            imported.events, head.position, head.hash
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// A database that is in use is refused before anything of it is changed, its tables included.
async fn restore(database: &Database, bundle: &Arc<Bundle>) -> anyhow::Result<archive::Imported> {
    archive::require_empty(&database.pool).await?;
    database.migrate().await?;
    Ok(archive::import(&database.pool, bundle).await?)
}

/// Needs no database: whoever has the bundle can run it.
pub(crate) async fn verify(path: &Path, as_json: bool) -> ExitCode {
    match judge(path).await {
        Ok(Verdict::Verified(summary)) => {
            output::line(if as_json {
                verified_json(&summary).to_string()
            } else {
                verified(&summary)
            });
            ExitCode::SUCCESS
        }
        Ok(Verdict::Broken(flaw)) => {
            output::line(if as_json {
                broken_json(&flaw).to_string()
            } else {
                format!("broken {flaw}")
            });
            ExitCode::FAILURE
        }
        Err(error) => {
            output::remark(format!("boxoffice: {error:#}"));
            ExitCode::from(NOT_JUDGED)
        }
    }
}

async fn judge(path: &Path) -> anyhow::Result<Verdict> {
    let bundle = Arc::new(Bundle::open(path)?);
    Ok(archive::verify(&bundle).await?)
}

fn verified(summary: &Summary) -> String {
    let Summary { events, head } = summary;
    format!(
        "verified: {events} events, head at position {}, hash {}",
        head.position, head.hash
    )
}

fn verified_json(summary: &Summary) -> Value {
    let Summary { events, head } = summary;
    json!({ "bundle": "verified", "events": events, "position": head.position, "hash": head.hash })
}

fn broken_json(flaw: &Flaw) -> Value {
    json!({ "bundle": "broken", "position": flaw.position, "reason": flaw.reason })
}
