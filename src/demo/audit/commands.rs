//! The commands of the command line, as they are typed: by the shop, and by somebody who has nothing of it.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::process::Command;

use crate::client::Server;
use crate::output;

/// Longer than any command of this act takes on a busy small machine.
const COMMAND_LIMIT: Duration = Duration::from_mins(1);

pub(super) struct Commands<'a> {
    server: &'a Server,
    /// What the shop hands out.
    folder: PathBuf,
}

impl<'a> Commands<'a> {
    /// A new folder beside the shop's data: it goes or stays with them.
    pub(super) fn new(server: &'a Server) -> Result<Self> {
        let made = tempfile::Builder::new()
            .prefix("evidence-")
            .tempdir_in(&server.options().data_dir)
            .context("making a folder for what the shop hands out")?;
        let folder = std::path::absolute(made.keep()).context("finding that folder")?;
        Ok(Self { server, folder })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The whole name of a file of the folder.
    pub(super) fn name(&self, file: &str) -> Result<String> {
        let path = self.folder.join(file).into_os_string().into_string();
        path.ok().context("the data directory has a name in UTF-8")
    }

    /// A command that the shop runs, and that has to succeed.
    pub(super) async fn inside(&self, arguments: &[&str]) -> Result<String> {
        let said = self.server.command(arguments).await?;
        show(arguments, &said);
        Ok(said)
    }

    /// The same, with its line of JSON.
    pub(super) async fn json(&self, arguments: &[&str]) -> Result<Value> {
        let said = self.inside(&[arguments, &["--json"]].concat()).await?;
        serde_json::from_str(said.trim()).with_context(|| format!("expected a line of JSON, and got {said}"))
    }

    /// A command of somebody else, in the folder: nothing tells it of the shop. Whether it found all in order, and what it
    /// said.
    pub(super) async fn outside(&self, arguments: &[&str]) -> Result<(bool, String)> {
        let mut command = Command::new(&self.server.options().binary);
        command.args(arguments).env_clear().current_dir(&self.folder);
        command.stdin(Stdio::null()).kill_on_drop(true);
        let typed = arguments.join(" ");
        let output = tokio::time::timeout(COMMAND_LIMIT, command.output())
            .await
            .with_context(|| format!("boxoffice {typed} takes too long"))?
            .with_context(|| format!("running boxoffice {typed}"))?;
        let (out, err) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        show(arguments, &out);
        match output.status.code() {
            Some(code @ (0 | 1)) if !out.is_empty() => Ok((code == 0, out.into_owned())),
            _ => bail!(
                "expected a verdict of `boxoffice {typed}`, and it ended with {}: {err}",
                output.status
            ),
        }
    }
}

fn show(arguments: &[&str], said: &str) {
    output::line(format!("  $ boxoffice {}", arguments.join(" ")));
    for line in said.lines() {
        output::line(format!("    {line}"));
    }
}
