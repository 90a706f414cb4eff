//! Which database.

use std::str::FromStr as _;

use anyhow::Context;
use clap::Args;
use event_log::Hosts;
use secrecy::{ExposeSecret, SecretString};

#[derive(Clone, Debug, Args)]
pub(crate) struct DatabaseOptions {
    /// A PostgreSQL of yours, `postgres://user:password@host/database`; with a standby, `…@host1:5432,host2:5432/database`:
    /// the one that takes writes is used. Without it, a private one is run in the data folder
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    database_url: Option<SecretString>,
    /// Connections kept for requests and background work
    #[arg(long, env = "BOXOFFICE_DATABASE_CONNECTIONS", default_value_t = 24, value_name = "COUNT",
          value_parser = clap::value_parser!(u32).range(4..=1000))]
    database_connections: u32,
}

impl DatabaseOptions {
    /// The database given, if one is.
    pub(crate) fn external(&self) -> anyhow::Result<Option<Hosts>> {
        let url = self.database_url.as_ref().map(ExposeSecret::expose_secret);
        super::given(url)
            .map(|url| Hosts::from_str(url).context("read DATABASE_URL"))
            .transpose()
    }

    pub(crate) fn external_url(&self) -> Option<&str> {
        super::given(self.database_url.as_ref().map(ExposeSecret::expose_secret))
    }

    pub(crate) const fn connections(&self) -> u32 {
        self.database_connections
    }
}
