//! Who may import whom (`docs/ARCHITECTURE.md`).

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

/// Crate, and the workspace crates it may know.
const ALLOWED: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("gather", &[]),
    ("pooling", &[]),
    // Sealing what is known of a person: ciphers and keys, no table.
    ("vault", &[]),
    ("event-log", &["domain", "gather", "pooling"]),
    // Another engine for the log, behind the same port. The last one: its tests only.
    ("event-log-esdb", &["domain", "event-log", "esdb-fake"]),
    ("payments", &["domain", "gather", "stripe-fake", "pooling"]),
    // The ways out: HTTP to the shop's own systems, SMTP. Processes say what is written to whom.
    ("outbound", &["domain", "event-log", "pooling"]),
    // Beside the log: its tree and its checkpoints. It judges no event.
    ("notary", &["domain", "event-log", "pooling"]),
    ("projections", &["domain", "event-log", "pooling"]),
    ("analytics", &["domain", "event-log", "pooling"]),
    (
        "processes",
        // The last two: its tests only.
        &[
            "domain",
            "event-log",
            "gather",
            "outbound",
            "payments",
            "pooling",
            "vault",
            "stripe-fake",
            "checker",
        ],
    ),
    ("media-bridge", &["domain", "event-log", "pooling"]),
    // Bundles of the log: what goes out of the house, and comes back. What was signed goes with it.
    ("archive", &["domain", "event-log", "notary"]),
    (
        "api",
        &[
            "domain",
            "event-log",
            "payments",
            "projections",
            "processes",
            "media-bridge",
            "outbound",
            "notary",
            "checker", // its tests only, and the next six
            "pooling",
            "stripe-fake",
            "analytics",
            "vault",
            "event-log-esdb",
            "esdb-fake",
        ],
    ),
    (
        "boxoffice",
        &[
            "analytics",
            "domain",
            "event-log",
            "payments",
            "projections",
            "processes",
            "media-bridge",
            "outbound",
            "notary",
            "api",
            "archive",
            "vault",
            "checker", // `boxoffice audit` alone: it asks the log, and nobody else rests on the answer
            "event-log-esdb",
            "esdb-fake", // its tests only
        ],
    ),
    // Stands in for another company in tests: it knows nothing of us.
    ("stripe-fake", &[]),
    // So does this, for an engine: generated from what its client publishes, and what answers in tests.
    ("esdb-protocol", &[]),
    ("esdb-fake", &["esdb-protocol"]),
    // Judges the others from outside: what it shared with them, it would be wrong about together with them.
    ("checker", &[]),
    (
        "bench",
        &[
            "analytics",
            "domain",
            "event-log",
            "event-log-esdb",
            "esdb-fake",
            "notary",
            "payments",
            "projections",
            "processes",
            "api",
            "archive",
            "vault",
            "boxoffice",
        ],
    ),
];

/// Crates that must not reach a workspace crate's ordinary dependencies.
const FORBIDDEN: &[(&str, &[&str])] = &[
    ("domain", &["sqlx", "axum", "tokio", "reqwest", "rand", "livekit-api"]),
    ("vault", &["sqlx", "axum", "tokio", "reqwest", "tracing", "livekit-api"]),
    ("event-log", &["axum", "reqwest", "livekit-api"]),
    (
        "event-log-esdb",
        &["axum", "sqlx", "livekit-api", "esdb-fake", "esdb-protocol"],
    ),
    ("payments", &["axum", "livekit-api", "stripe-fake"]),
    ("projections", &["axum", "reqwest", "livekit-api"]),
    ("analytics", &["axum", "reqwest", "livekit-api"]),
    ("outbound", &["axum", "livekit-api"]),
    ("notary", &["axum", "livekit-api", "signed_note", "tlog_tiles"]),
    (
        "processes",
        &["axum", "reqwest", "lettre", "livekit-api", "stripe-fake", "checker"],
    ),
    (
        "api",
        &[
            "lettre",
            "livekit-api",
            "livekit-protocol",
            "checker",
            "stripe-fake",
            "analytics",
            "event-log-esdb",
            "esdb-fake",
        ],
    ),
    ("boxoffice", &["esdb-fake"]),
    ("checker", &["axum", "reqwest", "livekit-api", "cqrs-es", "postgres-es"]),
];

fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON");
    metadata["packages"].as_array().expect("a list of packages").clone()
}

fn dependencies(package: &Value, only_ordinary: bool) -> BTreeSet<String> {
    let all = package["dependencies"].as_array().expect("a list of dependencies");
    let counted = all
        .iter()
        .filter(|dependency| !only_ordinary || dependency["kind"].is_null());
    counted
        .map(|dependency| dependency["name"].as_str().expect("a name").to_owned())
        .collect()
}

#[test]
fn every_crate_imports_only_what_stands_below_it() {
    let packages = packages();
    let members: BTreeSet<&str> = packages
        .iter()
        .map(|package| package["name"].as_str().expect("a name"))
        .collect();
    let listed: BTreeSet<&str> = ALLOWED.iter().map(|(name, _)| *name).collect();
    assert_eq!(members, listed, "a crate that is not in the table has no place yet");
    for package in &packages {
        let name = package["name"].as_str().expect("a name");
        let allowed = ALLOWED
            .iter()
            .find(|(member, _)| *member == name)
            .map(|(_, allowed)| *allowed);
        for dependency in dependencies(package, false) {
            let is_member = members.contains(dependency.as_str());
            assert!(
                !is_member || allowed.is_some_and(|list| list.contains(&dependency.as_str())),
                "{name} → {dependency}"
            );
        }
    }
}

#[test]
fn outside_libraries_stay_in_the_crate_that_owns_them() {
    for package in packages() {
        let name = package["name"].as_str().expect("a name").to_owned();
        let Some((_, forbidden)) = FORBIDDEN.iter().find(|(member, _)| *member == name) else {
            continue;
        };
        let found: Vec<String> = dependencies(&package, true)
            .into_iter()
            .filter(|name| forbidden.contains(&name.as_str()))
            .collect();
        assert!(found.is_empty(), "{name} → {found:?}");
    }
}
