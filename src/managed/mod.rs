//! Programs that `boxoffice serve` runs for itself when it is not pointed at running ones: a private PostgreSQL cluster and
//! a `livekit-server`. They never outlive us, whatever ends us.

pub mod account;
mod child;
pub mod data_dir;
pub mod livekit;
mod locate;
mod lock_file;
mod place;
pub mod postgres;
pub mod spawner;
#[cfg(test)]
mod tests;

pub use locate::{find_in_path, livekit_server, postgres_binaries};
