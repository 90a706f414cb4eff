//! How the log is kept at hand.

use clap::Args;
use event_log::LogLimits;

#[derive(Clone, Debug, Args)]
pub(crate) struct LogOptions {
    /// Events of a room, a ticket or a host after which its state is stored, so that it is loaded without them
    #[arg(long, env = "BOXOFFICE_SNAPSHOT_EVERY", default_value_t = LogLimits::default().snapshot_every, value_name = "COUNT",
          value_parser = clap::value_parser!(u64).range(10..=1_000_000))]
    snapshot_every: u64,
}

impl LogOptions {
    pub(crate) fn limits(&self) -> LogLimits {
        LogLimits {
            snapshot_every: self.snapshot_every,
            ..LogLimits::default()
        }
    }
}
