//! `boxoffice analytics`: what analysts read.

use std::process::ExitCode;

use analytics::install::{self, READER, RoleName};
use analytics::star;
use anyhow::Context;
use clap::{Args, Subcommand};

use super::moment::{self, Until};
use super::project;
use crate::database::{Database, DatabaseAccess};
use crate::output;

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Command {
    /// Make the schema `analytics`: a view of each event type, and a role that may read it and nothing else
    Install(InstallOptions),
    /// Bring the star schema up to the log's end
    Refresh(RefreshOptions),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct InstallOptions {
    /// The role that may read. It is made if it is not there, without a password
    #[arg(long, default_value = READER, value_name = "ROLE")]
    reader: RoleName,
    #[command(flatten)]
    database: DatabaseAccess,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct RefreshOptions {
    /// As of when: a log position, a day or a time; the log's end if absent
    #[arg(long, value_name = "POSITION|TIME", conflicts_with = "follow")]
    until: Option<Until>,
    /// Go on with what is recorded later, until stopped
    #[arg(long)]
    follow: bool,
    /// Answer with a line of JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseAccess,
}

pub(crate) async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Install(options) => {
            let database = Database::for_command(&options.database).await?;
            let installed = install::install(&database.pool, &options.reader).await;
            database.close().await;
            let views = installed.context("install analytics")?;
            output::line(format!(
                "analytics: {views} views of event types, readable by {}",
                options.reader.as_str()
            ));
            output::remark(format!(
                "to let somebody in: ALTER ROLE {} PASSWORD '...'; then `boxoffice analytics refresh`",
                options.reader.as_str()
            ));
            Ok(ExitCode::SUCCESS)
        }
        Command::Refresh(options) => {
            let database = Database::for_command(&options.database).await?;
            let refreshed = refresh(&database, &options).await;
            database.close().await;
            refreshed
        }
    }
}

async fn refresh(database: &Database, options: &RefreshOptions) -> anyhow::Result<ExitCode> {
    let up_to = match options.until {
        Some(until) => Some(moment::position(database, Some(until)).await?),
        None => None,
    };
    let plan = star::plan(up_to, options.follow).context("read the star schema")?;
    project::fold(database, plan, options.json).await
}
