//! The command line.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Parser, Subcommand};

use crate::{commands, demo, telemetry};

/// Tasks that a worker runs before it looks for sockets that have become ready, and how many of those it then takes. As
/// many as it has run: in a rush the others wait in the kernel, first come, first served. Taken all at once they would stand
/// in the way of requests that are nearly answered, and push each other out of their order.
const TASKS_PER_LOOK: u32 = 61;
const SOCKETS_PER_LOOK: usize = 64;
/// How long the runtime waits for blocking work when everything else has ended.
const RUNTIME_STOP_LIMIT: Duration = Duration::from_secs(2);

/// Sells tickets to live audio rooms, and runs the rooms
#[derive(Debug, Parser)]
#[command(name = "boxoffice", version, propagate_version = true)]
struct Cli {
    #[command(flatten)]
    log: telemetry::LogOptions,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run everything: API, background work, media; with no settings, on a private database and media server
    Serve(Box<commands::serve::Options>),
    /// Play a whole room from schedule to payout on a server of its own, and check every step
    Demo(demo::Options),
    /// Try out what a media server carries, with real audio
    Rehearse(Box<commands::rehearse::Options>),
    /// Say what is missing on this machine and how to get it
    Doctor(commands::doctor::Options),
    /// Bring the database's tables up to date
    Migrate(commands::migrate::Options),
    /// Make a development token; it goes to stdout, the user's id to stderr
    Token(commands::token::Options),
    /// Look at the event log
    #[command(subcommand)]
    Log(commands::log::Command),
    /// Look at the key that checkpoints of the log are signed with
    #[command(subcommand)]
    Notary(Box<commands::notary::Command>),
    /// Make the key that the names of people are locked with, and change it
    #[command(subcommand)]
    Vault(Box<commands::vault::Command>),
    /// Check receipts, offline
    #[command(subcommand)]
    Receipt(commands::receipt::Command),
    /// Ask the raw log about one room: seats, money, or who was inside
    #[command(subcommand)]
    Audit(commands::audit::Command),
    /// Look at background jobs, and run failed ones again
    #[command(subcommand)]
    Jobs(commands::jobs::Command),
    /// Look at what payment providers told, and read it once more
    #[command(subcommand)]
    Webhooks(commands::webhooks::Command),
    /// Look at read models, and rebuild them
    #[command(subcommand)]
    Projections(commands::projections::Command),
    /// Typed views and a star schema for analysts, and who may read them
    #[command(subcommand)]
    Analytics(commands::analytics::Command),
    /// Fold the log by SQL of your own into tables of your own
    Project(Box<commands::project::Options>),
    /// Write the log to files of other programs
    #[cfg(feature = "parquet")]
    #[command(subcommand)]
    Export(commands::export::Command),
    /// Fill read models beside the live ones: as of any moment, under the rules that were or under another preset
    Replay(Box<commands::replay::Options>),
    /// Divide the sales of a period once more, by another preset, and print the figures beside the real ones
    #[command(name = "whatif")]
    WhatIf(Box<commands::whatif::Options>),
}

/// Parses the command line and runs it to its end.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let cli = Cli::parse();
    telemetry::start(&cli.log, cli.command.default_filter())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .event_interval(TASKS_PER_LOOK)
        .max_io_events_per_tick(SOCKETS_PER_LOOK)
        .build()
        .context("start the runtime")?;
    let result = runtime.block_on(cli.command.run());
    runtime.shutdown_timeout(RUNTIME_STOP_LIMIT);
    result
}

impl Command {
    /// A server tells its story; a command for people speaks only when something is wrong.
    const fn default_filter(&self) -> &'static str {
        match self {
            Self::Serve(_) => "info,sqlx=warn",
            _ => "warn",
        }
    }

    async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Serve(options) => commands::serve::run(*options).await.map(|()| ExitCode::SUCCESS),
            Self::Demo(options) => demo::run(options).await.map(|()| ExitCode::SUCCESS),
            Self::Rehearse(options) => commands::rehearse::run(*options).await,
            Self::Doctor(options) => commands::doctor::run(options).await,
            Self::Migrate(options) => commands::migrate::run(options).await.map(|()| ExitCode::SUCCESS),
            Self::Token(options) => commands::token::run(options).await.map(|()| ExitCode::SUCCESS),
            Self::Log(command) => commands::log::run(command).await,
            Self::Notary(command) => commands::notary::run(*command).await.map(|()| ExitCode::SUCCESS),
            Self::Vault(command) => commands::vault::run(*command).await.map(|()| ExitCode::SUCCESS),
            Self::Receipt(command) => commands::receipt::run(&command),
            Self::Audit(command) => commands::audit::run(command).await,
            Self::Jobs(command) => commands::jobs::run(command).await.map(|()| ExitCode::SUCCESS),
            Self::Webhooks(command) => commands::webhooks::run(command).await.map(|()| ExitCode::SUCCESS),
            Self::WhatIf(options) => commands::whatif::run(*options).await.map(|()| ExitCode::SUCCESS),
            Self::Analytics(command) => commands::analytics::run(command).await,
            Self::Project(options) => commands::project::run(*options).await,
            #[cfg(feature = "parquet")]
            Self::Export(command) => commands::export::run(command).await,
            Self::Replay(options) => commands::replay::run(*options).await,
            Self::Projections(command) => commands::projections::run(command).await.map(|()| ExitCode::SUCCESS),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    /// The commands in a page's blocks. A build without Parquet has no `export`.
    fn commands(page: &str) -> impl Iterator<Item = Vec<&str>> {
        let blocks = page
            .split("```sh\n")
            .skip(1)
            .filter_map(|rest| rest.split("```").next());
        let lines = blocks
            .flat_map(str::lines)
            .filter(|line| line.starts_with("boxoffice "));
        let lines = lines.map(|line| line.split('#').next().unwrap_or_default());
        let words = lines.map(|line| line.split_whitespace().collect::<Vec<_>>());
        words.filter(|words| cfg!(feature = "parquet") || words.get(1) != Some(&"export"))
    }

    #[test]
    fn the_commands_of_the_pages_are_there() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut tried = 0;
        for page in [
            "README.md",
            "docs/ANALYTICS.md",
            "docs/DISTRIBUTED.md",
            "docs/LIVE.md",
            "docs/OPERATIONS.md",
        ] {
            let page = std::fs::read_to_string(root.join(page)).unwrap();
            for command in commands(&page) {
                let parsed = Cli::try_parse_from(&command);
                assert!(
                    parsed.is_ok(),
                    "{command:?}: {:?}",
                    parsed.err().map(|error| error.to_string())
                );
                tried += 1;
            }
        }
        assert!(tried > 4, "{tried} commands");
    }
}
