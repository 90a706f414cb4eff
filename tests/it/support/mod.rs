//! What the integration tests share: a fresh database, a server on it, people.

mod cluster;
mod log;
mod postgres;
mod sale;
mod sfu;
mod shop;

use std::path::PathBuf;

use anyhow::{Context, Result};

pub(crate) use cluster::{Pair, Replication};
pub(crate) use postgres::{USER, give_to_postgres, init_cluster, postgres_command};
pub(crate) use sale::{buy, issued_receipt, try_hold};
pub(crate) use sfu::{Sfu, environment as sfu_environment};
pub(crate) use shop::{IN_USE, Shop, ShopOptions, fresh_database, room_body, start_node};

/// The Python with the audio client's packages.
pub(crate) fn python() -> PathBuf {
    tool("BOXOFFICE_PYTHON", ".tools/venv/bin/python")
}

/// The media server's binary.
pub(crate) fn livekit_server() -> PathBuf {
    tool("LIVEKIT_SERVER", ".tools/bin/livekit-server")
}

fn tool(variable: &str, default: &str) -> PathBuf {
    std::env::var_os(variable).map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(default),
        PathBuf::from,
    )
}

/// A number from the environment, if there is one.
pub(crate) fn setting(name: &str) -> Result<Option<u64>> {
    let value = std::env::var(name).ok().filter(|value| !value.is_empty());
    value
        .map(|value| value.parse().with_context(|| format!("reading {name}")))
        .transpose()
}
