//! Where the log is, and how it is kept at hand.

use clap::Args;
use event_log::LogLimits;
use secrecy::{ExposeSecret, SecretString};

#[derive(Clone, Debug, Args)]
pub(crate) struct EngineOptions {
    /// The engine that holds the log, if that is not the database: `esdb://host:2113?tls=false`, `esdb+discover://…` for a
    /// cluster, or `kurrentdb://…`, which takes that engine's newer client. The database then holds a copy, and everything else
    #[arg(long, env = "LOG_URL", hide_env_values = true, value_name = "URL")]
    log_url: Option<SecretString>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct LogOptions {
    #[command(flatten)]
    pub(crate) engine: EngineOptions,
    /// Events of a room, a ticket or a host after which its state is stored, so that it is loaded without them
    #[arg(long, env = "BOXOFFICE_SNAPSHOT_EVERY", default_value_t = LogLimits::default().snapshot_every, value_name = "COUNT",
          value_parser = clap::value_parser!(u64).range(10..=1_000_000))]
    snapshot_every: u64,
}

/// An engine that holds the log: which client, and its address.
#[cfg(feature = "esdb")]
#[derive(Clone, Debug)]
pub(crate) enum Engine {
    EventStore(String),
    Kurrent(String),
}

/// This build knows none.
#[cfg(not(feature = "esdb"))]
#[derive(Clone, Copy, Debug)]
pub(crate) enum Engine {}

impl LogOptions {
    pub(crate) fn limits(&self) -> LogLimits {
        LogLimits {
            snapshot_every: self.snapshot_every,
            ..LogLimits::default()
        }
    }
}

impl EngineOptions {
    /// The engine given, if one is.
    pub(crate) fn engine(&self) -> anyhow::Result<Option<Engine>> {
        let url = self.log_url.as_ref().map(ExposeSecret::expose_secret);
        super::given(url).map(engine).transpose()
    }
}

/// The scheme of an address, and of `…+discover` the part before.
fn scheme(url: &str) -> &str {
    let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
    scheme.strip_suffix("+discover").unwrap_or(scheme)
}

#[cfg(feature = "esdb")]
fn engine(url: &str) -> anyhow::Result<Engine> {
    match scheme(url) {
        "esdb" => Ok(Engine::EventStore(url.to_owned())),
        "kurrentdb" | "kurrent" | "kdb" => Ok(Engine::Kurrent(url.to_owned())),
        other => anyhow::bail!(
            "LOG_URL begins with {other:?}: expected esdb:// or kurrentdb://. A log in PostgreSQL is where DATABASE_URL says"
        ),
    }
}

#[cfg(not(feature = "esdb"))]
fn engine(url: &str) -> anyhow::Result<Engine> {
    anyhow::bail!(
        "LOG_URL begins with {:?}, and this boxoffice was built without other engines: cargo build --release --features esdb",
        scheme(url)
    )
}

/// Whether the command line or the environment names an engine whose client has to set the process's provider for TLS
/// itself, which is asked for before either is read.
#[cfg(feature = "esdb")]
pub(crate) fn names_event_store() -> bool {
    let told = std::env::args_os().chain(std::env::var_os("LOG_URL"));
    told.filter_map(|told| told.into_string().ok())
        .any(|told| matches!(scheme(told.strip_prefix("--log-url=").unwrap_or(&told)), "esdb"))
}

#[cfg(all(test, feature = "esdb"))]
mod tests {
    use super::*;

    #[test]
    fn the_address_says_which_client() {
        for url in ["esdb://one:2113?tls=false", "esdb+discover://cluster.example:2113"] {
            assert!(matches!(engine(url), Ok(Engine::EventStore(_))), "{url}");
        }
        for url in ["kurrentdb://one:2113", "kurrentdb+discover://cluster.example:2113"] {
            assert!(matches!(engine(url), Ok(Engine::Kurrent(_))), "{url}");
        }
        for url in ["postgres://one/shop", "one:2113", ""] {
            assert!(engine(url).is_err(), "{url}");
        }
    }
}
