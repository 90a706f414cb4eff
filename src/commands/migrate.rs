//! `boxoffice migrate`: `serve` does this by itself when it starts.

use clap::Args;

use crate::database::{Database, DatabaseAccess, MIGRATOR};
use crate::output;

#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    database: DatabaseAccess,
}

pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let database = Database::for_command(&options.database).await?;
    let migrated = database.migrate().await;
    database.close().await;
    migrated?;
    let latest = MIGRATOR.iter().last().map_or(0, |migration| migration.version);
    output::line(format!("tables are at version {latest}"));
    Ok(())
}
