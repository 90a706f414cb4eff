//! Who runs a child process: ourselves, or user `postgres` where PostgreSQL refuses to run as root.

use std::path::Path;

use anyhow::Context;
use tokio::process::Command;

/// The system user that Debian's PostgreSQL package makes.
const POSTGRES: &str = "postgres";

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Account {
    Own,
    Postgres,
}

impl Account {
    /// The account that can run PostgreSQL here.
    pub fn for_postgres() -> Self {
        if rustix::process::geteuid().is_root() {
            Self::Postgres
        } else {
            Self::Own
        }
    }

    /// A command that runs `program` as this account, with `death_signal` sent to it when we die.
    pub fn command(self, program: &Path, death_signal: Option<&str>) -> Command {
        if self == Self::Own && (death_signal.is_none() || !has_setpriv()) {
            return Command::new(program);
        }
        let mut command = Command::new("setpriv");
        if let Some(signal) = death_signal {
            command.args(["--pdeathsig", signal]);
        }
        if self == Self::Postgres {
            command
                .args(["--reuid", POSTGRES, "--regid", POSTGRES, "--init-groups", "--reset-env"])
                // Our own working folder may be closed to it.
                .current_dir("/");
        }
        command.arg("--").arg(program);
        command
    }

    /// Makes a folder that belongs to this account and nobody else may enter.
    pub async fn make_folder(self, folder: &Path) -> anyhow::Result<()> {
        let mut command = Command::new("install");
        command.args(["-d", "-m", "700"]);
        if self == Self::Postgres {
            command.args(["-o", POSTGRES, "-g", POSTGRES]);
        }
        run(command.arg(folder))
            .await
            .with_context(|| format!("make folder {}", folder.display()))
    }

    /// Whether this account can reach the folder: every folder above it must let it through.
    pub(super) async fn can_enter(self, folder: &Path) -> bool {
        let mut command = self.command(Path::new("test"), None);
        run(command.arg("-x").arg(folder)).await.is_ok()
    }
}

fn has_setpriv() -> bool {
    super::find_in_path("setpriv").is_some()
}

/// Runs a short command to its end; an error carries what it said.
pub async fn run(command: &mut Command) -> anyhow::Result<()> {
    let output = command
        .output()
        .await
        .with_context(|| format!("run {}", command.as_std().get_program().to_string_lossy()))?;
    anyhow::ensure!(
        output.status.success(),
        "{} said: {}",
        command.as_std().get_program().to_string_lossy(),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}
