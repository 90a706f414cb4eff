//! `boxoffice log export`, `log import`, and `log verify` of a bundle: the log as evidence that leaves the house.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use archive::{ArchiveError, Bundle, Flaw, Summary, Trust, Verdict, Vouched};
use clap::Args;
use event_log::clock::{Clock as _, SystemClock};
use notary::VerifierKey;
use serde_json::{Value, json};

use crate::config::NotaryKeyOptions;
use crate::database::{Database, DatabaseAccess};
use crate::output;

/// Exit code when there is no verdict.
pub(super) const NOT_JUDGED: u8 = 2;
/// No checkpoint is longer.
const CHECKPOINT_BYTES_MAX: u64 = 1 << 20;

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
    key: NotaryKeyOptions,
    #[command(flatten)]
    database: DatabaseAccess,
}

/// What a bundle is held against.
#[derive(Clone, Debug, Args)]
pub(crate) struct TrustOptions {
    /// The log's verifier key, as `boxoffice notary key` shows it, instead of the one that the bundle brings
    #[arg(long, value_name = "KEY", requires = "bundle")]
    key: Option<VerifierKey>,
    /// A checkpoint that was kept from before, which the log has to bear out as well; may be repeated
    #[arg(long = "checkpoint", value_name = "FILE", requires = "bundle")]
    checkpoints: Vec<PathBuf>,
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
    let key = options.key.known(&options.database.data.open()?)?;
    let database = Database::for_command(&options.database).await?;
    let task = archive::ExportOptions {
        until: options.until,
        made_at: SystemClock.now(),
        made_by: concat!("boxoffice ", env!("CARGO_PKG_VERSION")).to_owned(),
        key: key.map(|key| key.verifier()),
    };
    let exported = archive::export(&database.pool, &options.target, &task).await;
    database.close().await;
    let exported = exported.context("export the log")?;
    let head = exported.head;
    if exported.checkpoints > 0 && task.key.is_none() {
        output::remark(
            "boxoffice: the notary's key is not here: the bundle has checkpoints, and no key to check them with",
        );
    }
    if options.json {
        output::line(json!({
            "events": exported.events, "position": head.position, "hash": head.hash,
            "segments": exported.segments, "checkpoints": exported.checkpoints, "bytes": exported.bytes,
        }));
    } else {
        output::line(format!(
            "exported: {} events, head at position {}, hash {}; {} segments, {} checkpoints, {} bytes",
            exported.events, head.position, head.hash, exported.segments, exported.checkpoints, exported.bytes
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
pub(crate) async fn verify(path: &Path, trust: &TrustOptions, as_json: bool) -> ExitCode {
    match judge(path, trust).await {
        Ok((bundle, _, Verdict::Verified(summary))) => {
            output::line(if as_json {
                verified_json(&summary).to_string()
            } else {
                verified(&bundle, &summary)
            });
            ExitCode::SUCCESS
        }
        Ok((_, _, Verdict::Broken(flaw))) => {
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

/// The bundle, what it was held against, and the verdict.
pub(super) async fn judge(path: &Path, options: &TrustOptions) -> anyhow::Result<(Arc<Bundle>, Trust, Verdict)> {
    let checkpoints = options.checkpoints.iter().map(|file| read_checkpoint(file));
    let trust = Trust {
        key: options.key.clone(),
        checkpoints: checkpoints.collect::<anyhow::Result<_>>()?,
    };
    let bundle = Arc::new(Bundle::open(path)?);
    let verdict = archive::verify(&bundle, &trust).await?;
    Ok((bundle, trust, verdict))
}

fn read_checkpoint(file: &Path) -> anyhow::Result<String> {
    let read = || format!("read {}", file.display());
    let length = std::fs::metadata(file).with_context(read)?.len();
    ensure!(
        length <= CHECKPOINT_BYTES_MAX,
        "{} is longer than any checkpoint",
        file.display()
    );
    std::fs::read_to_string(file).with_context(read)
}

/// What was verified, and who vouches for it.
pub(super) fn verified(bundle: &Bundle, summary: &Summary) -> String {
    let Summary { events, head, .. } = summary;
    let vouched = match &summary.vouched {
        Some(vouched) => signed(vouched),
        None if bundle.has_checkpoints() => {
            "no checkpoint vouches for it: the bundle has some, and no key to check them with: give it by --key"
                .to_owned()
        }
        None => "no checkpoint vouches for it".to_owned(),
    };
    format!(
        "verified: {events} events, head at position {}, hash {}; {vouched}",
        head.position, head.hash
    )
}

fn signed(vouched: &Vouched) -> String {
    let Vouched {
        size, origin, key_id, ..
    } = vouched;
    let whose = if vouched.key_was_given {
        "the key that was given"
    } else {
        "the bundle's own key: compare it with one from elsewhere"
    };
    let agree = match vouched.checkpoints {
        1 => "1 checkpoint agrees".to_owned(),
        count => format!("{count} checkpoints agree"),
    };
    format!("the first {size} events are what {origin} signed; {agree}; key {key_id} is {whose}")
}

fn verified_json(summary: &Summary) -> Value {
    let Summary { events, head, vouched } = summary;
    json!({ "bundle": "verified", "events": events, "position": head.position, "hash": head.hash, "signed": vouched })
}

fn broken_json(flaw: &Flaw) -> Value {
    json!({ "bundle": "broken", "position": flaw.position, "up_to": flaw.up_to, "reason": flaw.reason })
}
