//! `boxoffice notary`: the key that checkpoints are signed with, and what to do when the log was forked.

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use notary::{Checkpoint, KeyName, SigningKey};
use serde_json::json;
use sqlx::PgPool;

use crate::config::{DataOptions, NotaryKeyOptions};
use crate::database::{Database, DatabaseAccess};
use crate::output;

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the key that others verify checkpoints and receipts with
    Key(KeyOptions),
    /// Make a signing key for `BOXOFFICE_NOTARY_KEY`; it goes to stdout, what others verify with to stderr
    Generate(GenerateOptions),
    /// Begin a new log with a new key, after events were lost for good and `boxoffice log accept-fork` was run: the old key
    /// must never sign what contradicts it
    Renew(RenewOptions),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct KeyOptions {
    /// Answer with a line of JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    key: NotaryKeyOptions,
    #[command(flatten)]
    data: DataOptions,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct GenerateOptions {
    /// The log's name, for ever: best an address of the shop's without its scheme, such as `tickets.example.org/log`
    #[arg(value_name = "NAME")]
    name: KeyName,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct RenewOptions {
    /// Where the log ends now, as `boxoffice log head` says
    #[arg(long)]
    position: u64,
    #[command(flatten)]
    key: NotaryKeyOptions,
    #[command(flatten)]
    database: DatabaseAccess,
}

pub(crate) async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Key(options) => {
            let key = options.key.resolve(&options.data.open()?)?.verifier();
            if options.json {
                output::line(json!({ "origin": key.name(), "verifier_key": key.to_string() }));
            } else {
                output::line(key);
            }
            Ok(())
        }
        Command::Generate(options) => {
            let key = SigningKey::random(options.name);
            output::remark(format!("verifier key {}", key.verifier()));
            output::line(key.reveal());
            Ok(())
        }
        Command::Renew(options) => renew(&options).await,
    }
}

async fn renew(options: &RenewOptions) -> anyhow::Result<()> {
    let data_dir = options.database.data.open()?;
    // A running server would go on with the old key. Of a private database, the command has the folder anyway.
    let is_external = options.database.database.external()?.is_some();
    let _lock = is_external.then(|| data_dir.lock()).transpose()?;
    let configured = options.key.configured()?;
    if let (Some(key), Some(note)) = (&configured, data_dir.notary_memory().read()?) {
        ensure!(
            Checkpoint::open(&note, &key.verifier()).is_err(),
            "the configured key is the old log's: `boxoffice notary generate` makes another"
        );
    }
    let database = Database::for_command(&options.database).await?;
    let forgotten = forget(&database.pool, options.position).await;
    database.close().await;
    forgotten?;
    // Last, so that a command that was cut off can be repeated.
    data_dir.retire_notary(configured.is_none())?;
    let key = options.key.resolve(&data_dir)?.verifier();
    output::line(format!(
        "the log goes on as {}, with the verifier key {key}",
        key.name()
    ));
    Ok(())
}

async fn forget(pool: &PgPool, position: u64) -> anyhow::Result<()> {
    let head = super::log::find_head(pool).await.context("read the end of the log")?;
    ensure!(
        head.position == position,
        "the log ends at position {}, not at {position}",
        head.position
    );
    notary::forget(pool).await.context("forget the old log's checkpoints")
}
