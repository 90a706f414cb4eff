//! Which database.

use std::str::FromStr;

use anyhow::Context;
use clap::Args;
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgConnectOptions;

#[derive(Clone, Debug, Args)]
pub(crate) struct DatabaseOptions {
    /// A PostgreSQL of yours, `postgres://user:password@host/database`. Without it, a private one is run in the data folder
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    database_url: Option<SecretString>,
    /// Connections kept for requests and background work
    #[arg(long, env = "BOXOFFICE_DATABASE_CONNECTIONS", default_value_t = 24, value_name = "COUNT",
          value_parser = clap::value_parser!(u32).range(4..=1000))]
    database_connections: u32,
}

impl DatabaseOptions {
    /// The database given, if one is.
    pub(crate) fn external(&self) -> anyhow::Result<Option<PgConnectOptions>> {
        let url = self.database_url.as_ref().map(ExposeSecret::expose_secret);
        super::given(url)
            .map(|url| PgConnectOptions::from_str(url).context("read DATABASE_URL"))
            .transpose()
    }

    pub(crate) fn external_url(&self) -> Option<&str> {
        super::given(self.database_url.as_ref().map(ExposeSecret::expose_secret))
    }

    pub(crate) const fn connections(&self) -> u32 {
        self.database_connections
    }
}
