//! `boxoffice rehearse`, as an operator runs it.

use std::process::Output;

use anyhow::{Context, Result};
use media_bridge::{LiveKit, MediaServer};
use serde_json::Value;
use tokio::process::Command;

use crate::support::{Sfu, python, sfu_environment};

const LISTENERS: u64 = 3;
const SPEAKERS: u64 = 2;

async fn rehearse(environment: Vec<(String, String)>, more: &[&str]) -> Result<Output> {
    let output = Command::new(env!("CARGO_BIN_EXE_boxoffice"))
        .args(["rehearse", "--listeners", &LISTENERS.to_string()])
        .args(["--speakers", &SPEAKERS.to_string(), "--minutes", "0", "--seconds", "3"])
        .args(more)
        .env("BOXOFFICE_PYTHON", python())
        .envs(environment)
        .output();
    output.await.context("running a rehearsal")
}

fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rehearsal_measures_a_media_server_and_leaves_nothing_there() -> Result<()> {
    let sfu = Sfu::start().await?;
    let scratch = tempfile::tempdir()?;
    let json = scratch.path().join("figures.json");
    let path = json.to_str().context("expected a path")?;
    let output = rehearse(sfu.environment(), &["--json", path]).await?;
    let story = String::from_utf8_lossy(&output.stdout);
    let figures: Value = serde_json::from_slice(&std::fs::read(&json).with_context(|| complaint(&output))?)?;
    let number = |pointer: &str| figures.pointer(pointer).and_then(Value::as_u64);
    let came = figures["joins"].as_array().context("expected joins")?.iter();
    assert_eq!(came.filter_map(|joins| joins["came"].as_u64()).sum::<u64>(), LISTENERS);
    assert_eq!(number("/audio/pairs"), Some(LISTENERS * SPEAKERS), "{story}");
    assert_eq!(number("/audio/never_heard"), Some(0), "{story}");
    assert!(number("/audio/heard_permille") > Some(500), "{story}");
    assert!(
        number("/permissions/count") > Some(1) && number("/permissions/missing") == Some(0),
        "{story}"
    );
    assert_eq!(number("/removals/count"), Some(LISTENERS), "{story}");
    assert!(number("/processors/media_server_millicores").is_some(), "{story}");
    assert!(story.contains("6 of 6 pairs heard"), "{story}");
    assert_eq!(LiveKit::new(sfu.config()).list_rooms().await?, []);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rehearsal_that_cannot_be_says_why() -> Result<()> {
    let sfu = Sfu::start().await?;
    let away = rehearse(sfu_environment("http://127.0.0.1:1"), &[]).await?;
    assert!(
        !away.status.success() && complaint(&away).contains("cannot be reached"),
        "{}",
        complaint(&away)
    );
    let secret = ("LIVEKIT_API_SECRET".to_owned(), "f".repeat(32));
    let mut others = sfu.environment();
    others.push(secret);
    let refused = rehearse(others, &[]).await?;
    let text = complaint(&refused);
    assert!(
        !refused.status.success() && text.contains("refuses our key or secret"),
        "{text}"
    );
    let mute = rehearse(sfu.environment(), &["--python", "/bin/false"]).await?;
    let text = complaint(&mute);
    assert!(
        !mute.status.success() && text.contains("cannot run the audio clients"),
        "{text}"
    );
    assert_eq!(LiveKit::new(sfu.config()).list_rooms().await?, []);
    Ok(())
}
