//! The engine's client and others that need TLS, in one process.

use super::rules::append;
use super::support::{By, Opened};
use crate::{ConnectError, EventStore};

#[tokio::test]
async fn others_that_set_a_provider_do_no_harm_afterwards() {
    EventStore::claim_tls().unwrap();
    assert!(rustls::crypto::ring::default_provider().install_default().is_err());
    let opened = Opened::new(By::EventStore).await;
    opened.log.append(vec![append("a", 0, 1)]).await.remove(0).unwrap();
    opened.close().await;
}

/// In a process of its own, as every test is under `cargo nextest`.
#[tokio::test]
async fn a_provider_that_was_set_before_is_named_instead_of_died_of() {
    if rustls::crypto::ring::default_provider().install_default().is_ok() {
        let refused = EventStore::connect("esdb://localhost?tls=false");
        assert!(matches!(refused, Err(ConnectError::TlsTaken)));
    }
}

/// What `eventstore` dies of is nothing to its successor.
#[tokio::test]
async fn the_successor_takes_the_provider_that_it_finds() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let opened = Opened::new(By::Kurrent).await;
    opened.log.append(vec![append("a", 0, 1)]).await.remove(0).unwrap();
    opened.close().await;
}
