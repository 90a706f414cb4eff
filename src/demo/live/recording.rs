//! The evening is recorded: everybody heard has agreed, everybody sees it, and what broke off goes on.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::Value;

use super::cast::Cast;
use super::figures::Figures;
use crate::client::eventually;
use crate::demo::people::{list, number, text};
use crate::demo::say;

/// The recorder is a process that has to start and to connect.
const PART_LIMIT: Duration = Duration::from_secs(20);
/// Every WAV file begins with it.
const RIFF: &[u8] = b"RIFF";

/// Nobody is recorded who has not agreed; a holder hears of it from the room.
pub(super) async fn start(cast: &Cast) -> Result<()> {
    let unasked = cast.act(&cast.host, "/recording/start").await?;
    unasked.expect_problem(409, "recording_consent_required", "the co-host was not asked yet")?;
    let consent = cast.act(&cast.co_host, "/recording/consent").await?;
    consent.expect(200, "the co-host agrees to be recorded")?;
    let started = cast.act(&cast.host, "/recording/start").await?;
    started.expect(200, "the host records the room")?;
    eventually("a part of the recording to begin", PART_LIMIT, || async {
        let recordings = recordings(cast).await?;
        Ok(recordings.pointer("/data/0/parts/0").map(drop))
    })
    .await?;
    let room = cast.dan.caller.get(&cast.path("")).await?;
    let room = room.expect(200, "a listener looks at the room")?;
    ensure!(
        room["recording"]["running"] == true,
        "expected everybody to see that it is recorded, and got {room}"
    );
    say("it is recorded since the co-host has agreed, and everybody sees it");
    Ok(())
}

/// The media server was killed in the middle of it.
pub(super) async fn goes_on(cast: &Cast) -> Result<()> {
    eventually("another part of the recording to begin", PART_LIMIT, || async {
        let recording = look(cast).await?;
        Ok(recording.pointer("/parts/1").map(drop))
    })
    .await?;
    say("the recording goes on as another part");
    Ok(())
}

/// After the end: another part went on where the media server had died, and a holder gets the file that the log vouches for.
pub(super) async fn fetch(cast: &Cast, figures: &mut Figures) -> Result<()> {
    let recording = eventually("every part of the recording to be kept", PART_LIMIT, || async {
        let recording = look(cast).await?;
        let is_whole = list(&recording, "/parts")?
            .iter()
            .all(|part| !part["ended_at"].is_null());
        Ok((recording["state"] == "stopped" && is_whole).then_some(recording))
    })
    .await?;
    let parts = list(&recording, "/parts")?;
    figures.recorded_parts = parts.len();
    ensure!(
        parts.len() > 1 && parts[0]["broke_off"] == true,
        "expected the recording to go on after the media server died, and got {recording}"
    );
    let part = parts.last().context("expected a part")?;
    let path = format!(
        "/recordings/{}/parts/{}",
        text(&recording, "/id")?,
        number(part, "/part")?
    );
    let request = cast.dan.caller.request(Method::GET, &cast.path(&path));
    let answer = request.send().await.context("downloading a part")?.error_for_status()?;
    let file = answer.bytes().await.context("reading a part")?;
    let bytes = number(part, "/bytes")?;
    ensure!(
        i64::try_from(file.len()) == Ok(bytes) && file.starts_with(RIFF),
        "expected {bytes} bytes of WAV, and got {}",
        file.len()
    );
    figures.recorded_ms = number(part, "/duration_ms")?;
    say(format!(
        "recorded in {} parts, the first broke off with the media server; a listener has the last one, {} ms long",
        parts.len(),
        figures.recorded_ms
    ));
    Ok(())
}

async fn recordings(cast: &Cast) -> Result<Value> {
    let answer = cast.dan.caller.get(&cast.path("/recordings")).await?;
    answer.expect(200, "a listener looks for recordings")
}

async fn look(cast: &Cast) -> Result<Value> {
    let recordings = recordings(cast).await?;
    let only = recordings.pointer("/data/0").cloned();
    only.with_context(|| format!("expected a recording in {recordings}"))
}
