//! The engine's client and others that need TLS, in one process: a process of its own for each test, as `cargo nextest` has it.

use std::process::Command;
use std::sync::Arc;

use esdb_fake::EsdbFake;
use event_log::SystemClock;
use rustls::crypto::ring;

use super::rules::append;
use super::support::{By, Opened, hasty};
use crate::{Client, ClientError, ConnectError, EventStore, Kurrent};

/// A certificate of a node at 127.0.0.1, which vouches for itself, with its key.
struct Certificate {
    folder: tempfile::TempDir,
}

impl Certificate {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = Command::new("openssl")
            .args(["req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=node"])
            .args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
            .args(["-addext", "subjectAltName=IP:127.0.0.1"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .args(["-keyout", "key.pem", "-out", "node.pem"])
            .current_dir(folder.path())
            .output()
            .expect("openssl, which Debian's ca-certificates bring along");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Self { folder }
    }

    fn node(&self) -> EsdbFake {
        let read = |name: &str| std::fs::read_to_string(self.folder.path().join(name)).unwrap();
        EsdbFake::start_secure(&read("node.pem"), &read("key.pem")).unwrap()
    }

    /// What a client is told that is to believe it.
    fn url_of(&self, node: &EsdbFake) -> String {
        let file = self.folder.path().join("node.pem");
        format!("{}&tlsCaFile={}", node.url(), file.display())
    }
}

fn install_ring() {
    let installed = ring::default_provider().install_default();
    assert!(installed.is_ok(), "another test has set a provider in this process");
}

async fn appends_over_tls(by: By) {
    let certificate = Certificate::new();
    let node = certificate.node();
    let opened = Opened::at(&certificate.url_of(&node), Arc::new(SystemClock), hasty(), by).await;
    opened.log.append(vec![append("a", 0, 1)]).await.remove(0).unwrap();
    assert_eq!(opened.log.read_all(0, 10).await.unwrap().len(), 1);
    assert_eq!(node.store().all().len(), 1);
    opened.close().await;
}

/// Of a node whose certificate is not the one that is believed nothing is taken.
async fn strangers_are_not_believed<C: Client>(connect: impl Fn(&str) -> Result<C, ConnectError>) {
    let (certificate, other) = (Certificate::new(), Certificate::new());
    let node = certificate.node();
    let read = connect(&other.url_of(&node)).unwrap().read_back(None, 1).await;
    assert!(matches!(read, Err(ClientError::InDoubt(_))), "{read:?}");
    let read = connect(&certificate.url_of(&node)).unwrap().read_back(None, 1).await;
    assert_eq!(read, Ok(Vec::new()));
}

#[tokio::test]
async fn others_that_set_a_provider_do_no_harm_afterwards() {
    EventStore::claim_tls().unwrap();
    assert!(ring::default_provider().install_default().is_err());
    appends_over_tls(By::EventStore).await;
}

#[tokio::test]
async fn a_provider_that_was_set_before_is_named_instead_of_died_of() {
    install_ring();
    let refused = EventStore::connect("esdb://localhost?tls=false");
    assert!(matches!(refused, Err(ConnectError::TlsTaken)));
}

/// What `eventstore` dies of is nothing to its successor.
#[tokio::test]
async fn the_successor_takes_the_provider_that_it_finds() {
    install_ring();
    appends_over_tls(By::Kurrent).await;
}

#[tokio::test]
async fn a_node_with_another_certificate_is_not_believed() {
    EventStore::claim_tls().unwrap();
    strangers_are_not_believed(EventStore::connect).await;
    strangers_are_not_believed(Kurrent::connect).await;
}
