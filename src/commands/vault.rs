//! `boxoffice vault`: the key that the names of people are locked with, and its change.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use clap::{Args, Subcommand};
use processes::people::{KeyInUse, Rewrap, keys_in_use};
use secrecy::ExposeSecret;
use serde_json::json;
use sqlx::PgPool;
use vault::{KeyId, VaultKey};

use crate::config::VaultOptions;
use crate::database::{Database, DatabaseAccess};
use crate::managed::data_dir::read_secret;
use crate::output;

/// How often it is said how far the work is.
const SHOWN_EVERY: Duration = Duration::from_secs(1);

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a vault key for the file that `BOXOFFICE_VAULT_KEY_FILE` names; it goes to stdout, its id to stderr
    Generate,
    /// Change the vault key: what is locked with an old one is locked with the one that the nodes have now. May be stopped, and
    /// goes on when it is run again
    Rewrap(RewrapOptions),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct RewrapOptions {
    /// File with the vault key that was used before
    #[arg(long, value_name = "PATH")]
    old_key_file: PathBuf,
    #[command(flatten)]
    vault: VaultOptions,
    /// Answer with a line of JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseAccess,
}

pub(crate) async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Generate => {
            let key = VaultKey::random();
            output::remark(format!("vault key {}", key.id()));
            output::line(key.reveal().expose_secret());
            Ok(())
        }
        Command::Rewrap(options) => rewrap(&options).await,
    }
}

async fn rewrap(options: &RewrapOptions) -> anyhow::Result<()> {
    let old: VaultKey = read_secret(&options.old_key_file).context("--old-key-file")?;
    // None is made: what is locked with a key that no node has is as good as lost.
    let new = options.vault.known(&options.database.data.open()?)?;
    let new = new.context("no vault key is here to change to: name its file with --vault-key-file")?;
    let (old_id, new_id) = (old.id(), new.id());
    ensure!(
        old_id != new_id,
        "both are the vault key {new_id}: nothing is to be changed"
    );
    let database = Database::for_command(&options.database).await?;
    let done = rewrap_all(&database.pool, old, new).await;
    database.close().await;
    let (rewrap, in_use) = done?;
    if options.json {
        let in_use = in_use
            .iter()
            .map(|KeyInUse { vault_key, people }| json!({ "vault_key": vault_key.to_string(), "people": people }));
        output::line(json!({
            "rewrapped": rewrap.rewrapped(),
            "unreadable": rewrap.unreadable(),
            "in_use": in_use.collect::<Vec<_>>(),
        }));
    } else {
        output::line(format!(
            "{} locked with the vault key {new_id} now",
            names(rewrap.rewrapped())
        ));
        for KeyInUse { vault_key, people } in in_use.iter().filter(|key| key.vault_key != new_id) {
            output::line(format!(
                "{} locked with the vault key {vault_key} still",
                names(*people)
            ));
        }
    }
    judge(rewrap.unreadable(), &in_use, old_id)
}

/// A failure as long as the old key may not be thrown away.
fn judge(unreadable: u64, in_use: &[KeyInUse], old: KeyId) -> anyhow::Result<()> {
    let left = in_use.iter().find(|key| key.vault_key == old);
    if left.is_some_and(|left| left.people > unreadable) {
        bail!("names were said meanwhile on a node that has the key {old}: give it the new one, and run this again");
    }
    ensure!(
        unreadable == 0,
        "{} left as they were: the key {old} does not open what the table says it locked, somebody wrote into it",
        names(unreadable)
    );
    Ok(())
}

async fn rewrap_all(pool: &PgPool, old: VaultKey, new: VaultKey) -> anyhow::Result<(Rewrap, Vec<KeyInUse>)> {
    let mut rewrap = Rewrap::new(pool.clone(), old, new);
    let mut shown_at = Instant::now();
    while rewrap.step().await? {
        if shown_at.elapsed() >= SHOWN_EVERY {
            output::progress(names(rewrap.rewrapped()));
            shown_at = Instant::now();
        }
    }
    output::progress_ends();
    let in_use = keys_in_use(&mut *pool.acquire().await?).await;
    Ok((rewrap, in_use.context("look which vault keys are in use")?))
}

fn names(count: u64) -> String {
    match count {
        1 => "1 name".to_owned(),
        _ => format!("{count} names"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_fails_as_long_as_the_old_key_is_needed() {
        let [old, new] = [1, 2].map(|byte| KeyId::from_bytes([byte; 8]));
        let used = |vault_key, people| KeyInUse { vault_key, people };
        assert!(judge(0, &[], old).is_ok());
        assert!(judge(0, &[used(new, 7)], old).is_ok());
        let behind = judge(1, &[used(new, 7), used(old, 2)], old).unwrap_err();
        assert!(behind.to_string().contains("give it the new one"), "{behind}");
        let spoilt = judge(2, &[used(new, 7), used(old, 2)], old).unwrap_err();
        assert!(spoilt.to_string().starts_with("2 names left as they were"), "{spoilt}");
    }
}
