//! `boxoffice log`: the log's end, and whether all of it is as it was recorded.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use event_log::Head;
use event_log::verify::{Verdict, verify_chain};
use serde_json::json;
use sqlx::PgPool;

use super::bundle;
use crate::database::{Database, DatabaseAccess};
use crate::{hex, output};

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Command {
    /// Recompute the hash chain from the first event; exit 1 and the first wrong position if it does not hold
    Verify(VerifyOptions),
    /// Write the log as it is stored, with what it takes to check it, into a bundle for others
    Export(bundle::ExportOptions),
    /// Restore the log of a bundle into an empty database, byte for byte; all of it or nothing
    Import(bundle::ImportOptions),
    /// The last event's position and hash: keep it elsewhere, and a cut-off tail will show
    Head(Options),
    /// Put the log of a stopped shop on the engine that `LOG_URL` names; the database holds a copy then
    Move(super::engine::MoveOptions),
    /// Go on with a log that lost events this node has seen, after a failover that lost them: run it on every stopped node
    AcceptFork(AcceptOptions),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct VerifyOptions {
    /// Check this bundle, without any database (exit 2 if it cannot be judged), instead of the log in the database
    #[arg(value_name = "BUNDLE")]
    bundle: Option<PathBuf>,
    #[command(flatten)]
    trust: bundle::TrustOptions,
    #[command(flatten)]
    options: Options,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// Answer with a line of JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseAccess,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct AcceptOptions {
    /// Where the log ends now, as `boxoffice log head` says: what was behind it is given up
    #[arg(long)]
    position: u64,
    #[command(flatten)]
    database: DatabaseAccess,
}

pub(crate) async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Verify(VerifyOptions {
            bundle: Some(path),
            trust,
            options,
        }) => Ok(bundle::verify(&path, &trust, options.json).await),
        Command::Verify(VerifyOptions { options, .. }) => {
            let database = Database::for_command(&options.database).await?;
            let verified = verify(&database, &options).await;
            database.close().await;
            verified
        }
        Command::Export(options) => bundle::export(&options).await,
        Command::Import(options) => bundle::import(&options).await,
        Command::Move(options) => super::engine::move_log(&options).await,
        Command::AcceptFork(options) => accept_fork(&options).await,
        Command::Head(options) => {
            let database = Database::for_command(&options.database).await?;
            let head = find_head(&database.pool).await;
            database.close().await;
            let head = head.context("read the end of the log")?;
            let hash = hex::encode(&head.hash);
            if options.json {
                output::line(json!({ "position": head.position, "hash": hash }));
            } else {
                output::line(format!("position {} hash {hash}", head.position));
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// The chain, and whether the log still holds what this node saw of it: a lost tail leaves no trace in the log itself.
async fn verify(database: &Database, options: &Options) -> anyhow::Result<ExitCode> {
    let verdict = verify_chain(&database.pool).await.context("verify the log")?;
    let witness = options.database.data.open()?.witness();
    let fork = witness.check(&database.pool).await;
    let code = report(&verdict, options.json);
    let Some(fork) = fork.context("compare the log with what this node saw")? else {
        return Ok(code);
    };
    if options.json {
        output::line(json!({ "chain": "forked", "position": fork.seen.position, "reason": fork.to_string() }));
    } else {
        output::line(fork);
    }
    Ok(ExitCode::FAILURE)
}

async fn accept_fork(options: &AcceptOptions) -> anyhow::Result<ExitCode> {
    let data_dir = options.database.data.open()?;
    // A running server would go on with what it remembers. Of a private database, the command has the folder anyway.
    let is_external = options.database.database.external()?.is_some();
    let _lock = is_external.then(|| data_dir.lock()).transpose()?;
    let database = Database::for_command(&options.database).await?;
    let head = find_head(&database.pool).await;
    database.close().await;
    let head = head.context("read the end of the log")?;
    ensure!(
        head.position == options.position,
        "the log ends at position {}, not at {}",
        head.position,
        options.position
    );
    let witness = data_dir.witness();
    witness
        .write(head)
        .with_context(|| format!("write {}", witness.path().display()))?;
    output::line(format!(
        "this node goes on from position {} hash {}",
        head.position,
        hex::encode(&head.hash)
    ));
    Ok(ExitCode::SUCCESS)
}

fn report(verdict: &Verdict, as_json: bool) -> ExitCode {
    match verdict {
        Verdict::Verified { events, head } => {
            let (position, hash) = (head.position, hex::encode(&head.hash));
            if as_json {
                output::line(json!({ "chain": "verified", "events": events, "position": position, "hash": hash }));
            } else {
                output::line(format!(
                    "verified: {events} events, head at position {position}, hash {hash}"
                ));
            }
            ExitCode::SUCCESS
        }
        Verdict::Broken { position, reason } => {
            if as_json {
                output::line(json!({ "chain": "broken", "position": position, "reason": reason }));
            } else {
                output::line(format!("broken at position {position}: {reason}"));
            }
            ExitCode::FAILURE
        }
    }
}

pub(super) async fn find_head(pool: &PgPool) -> anyhow::Result<Head> {
    let row = sqlx::query!(
        "SELECT position, hash
         FROM events
         ORDER BY position DESC
         LIMIT 1"
    )
    .fetch_optional(pool)
    .await?;
    let Some(row) = row else {
        return Ok(Head {
            position: 0,
            hash: [0; 32],
        });
    };
    let hash = <[u8; 32]>::try_from(row.hash.as_slice()).context("the stored hash has the wrong length")?;
    Ok(Head {
        position: u64::try_from(row.position)?,
        hash,
    })
}
