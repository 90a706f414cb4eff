//! What every PostgreSQL cluster of a test's own needs.

use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use boxoffice::managed::account::{self, Account};
use boxoffice::managed::postgres_binaries;
use tokio::process::Command;

/// Who may do everything in it.
pub(crate) const USER: &str = "boxoffice";

/// One of PostgreSQL's programs, run by whoever can: it refuses to run as root.
pub(crate) fn postgres_command(program: &str, death_signal: Option<&str>) -> Result<Command> {
    let binaries = postgres_binaries().into_iter().next();
    let binaries: PathBuf = binaries.context("PostgreSQL is missing: `scripts/setup test` installs it")?;
    Ok(Account::for_postgres().command(&binaries.join(program), death_signal))
}

/// Makes an empty cluster.
pub(crate) async fn init_cluster(data: &Path) -> Result<()> {
    let mut initdb = postgres_command("initdb", None)?;
    initdb.args([
        "-U",
        USER,
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--no-locale",
        "-k",
        "--no-sync",
    ]);
    account::run(initdb.arg("-D").arg(data)).await
}

/// Where that is not us, the folder is given to whoever runs PostgreSQL.
pub(crate) fn give_to_postgres(folder: &Path) -> Result<()> {
    if Account::for_postgres() == Account::Own {
        return Ok(());
    }
    let users = std::fs::read_to_string("/etc/passwd")?;
    let line = users.lines().find(|line| line.starts_with("postgres:"));
    let mut ids = line.context("expected a user postgres")?.split(':').skip(2);
    let mut id = || ids.next().and_then(|id| id.parse().ok());
    Ok(chown(folder, id(), id())?)
}
