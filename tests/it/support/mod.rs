//! What the integration tests share: a fresh database, a server on it, people.

mod cluster;
mod sale;
mod sfu;
mod shop;

use std::path::PathBuf;

pub(crate) use cluster::{Pair, Replication};
pub(crate) use sale::{buy, try_hold};
pub(crate) use sfu::Sfu;
pub(crate) use shop::{Shop, ShopOptions, room_body, start_node};

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
