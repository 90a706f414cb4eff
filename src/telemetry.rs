//! Logs: sentences with fields, to stderr.

use std::io::IsTerminal;

use anyhow::Context;
use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;

#[derive(Clone, Debug, Args)]
pub(crate) struct LogOptions {
    /// How log lines look
    #[arg(long, env = "BOXOFFICE_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text, global = true)]
    log_format: LogFormat,
    /// What is logged: a level, or `target=level` separated by commas
    #[arg(long, env = "BOXOFFICE_LOG", value_name = "FILTER", global = true)]
    log: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

/// Starts logging. Called once, first.
pub(crate) fn start(options: &LogOptions, default_filter: &str) -> anyhow::Result<()> {
    let filter = options.log.as_deref().unwrap_or(default_filter);
    let filter = EnvFilter::try_new(filter).with_context(|| format!("read the log filter `{filter}`"))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let started = match options.log_format {
        LogFormat::Text => builder.with_target(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("start logging: {error}"))
}
