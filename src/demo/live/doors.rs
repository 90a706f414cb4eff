//! A second device, and a ban.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use media_bridge::rehearsal::AudioEvent;
use serde_json::json;
use tokio::time::Instant;

use super::cast::{Cast, HOST_HZ};
use super::figures::Figures;
use crate::demo::doors::{Door, MEDIA_LIMIT, connected, heard_since};
use crate::demo::people::text;
use crate::demo::say;

/// The promise of the room.
const OUT_WITHIN: Duration = Duration::from_secs(2);

/// One ticket, one connection: the newer one.
pub(super) async fn take_over(cast: &Cast, before: &Door) -> Result<()> {
    let ben = &cast.ben;
    let came = Instant::now();
    let entry = ben.caller.post(&ben.path("/entry"), &json!({})).await?;
    let entry = entry.expect(200, "another device asks to be let in")?;
    ensure!(
        entry["took_over"] == true,
        "expected the other device to be told that it takes over, and got {entry}"
    );
    cast.audio
        .connect(
            "ben's other device",
            &text(&entry, "/livekit_url")?,
            &text(&entry, "/token")?,
        )
        .await?;
    connected(&cast.audio, "ben's other device").await?;
    let is_over =
        |event: &AudioEvent| matches!(event, AudioEvent::Disconnected { reason } if reason == "DUPLICATE_IDENTITY");
    let over = cast.audio.wait_for("ben", MEDIA_LIMIT, is_over).await;
    over.context("expected the first device to be told that another one took over")?;
    let host = cast.host_identity();
    heard_since(&cast.audio, "ben's other device", (&host, HOST_HZ), came).await?;
    cast.audio
        .connect("ben's old token", &before.url, &before.token)
        .await?;
    refused(cast, "ben's old token").await?;
    say("both devices are told; the new one hears the room, and the old one's token is good for nothing any more");
    Ok(())
}

pub(super) async fn ban(cast: &Cast, kept: &Door, figures: &mut Figures) -> Result<()> {
    let cleo = &cast.cleo;
    let body = json!({"user_id": cleo.caller.user_id()});
    let asked = Instant::now();
    let banned = cast.co_host.post(&cast.path("/bans"), &body).await?;
    banned.expect(200, "the co-host bans a listener")?;
    let is_out = |event: &AudioEvent| matches!(event, AudioEvent::Disconnected { .. });
    let out = cast.audio.wait_for("cleo", MEDIA_LIMIT, is_out).await;
    let (out, _) = out.context("expected the banned listener to be out")?;
    let after = out.saturating_duration_since(asked);
    ensure!(after <= OUT_WITHIN, "expected a ban within 2 s, took {after:?}");
    figures.banned_out_ms = u64::try_from(after.as_millis())?;
    cast.audio.connect("cleo again", &kept.url, &kept.token).await?;
    refused(cast, "cleo again").await?;
    let entry = cleo.caller.post(&cleo.path("/entry"), &json!({})).await?;
    let problem = entry.expect_problem(403, "entry_refused", "a banned listener asks for another token")?;
    ensure!(
        problem["reason"] == "banned",
        "expected the reason banned, and got {problem}"
    );
    say(format!(
        "out after {} ms; a token kept from before and a new request are refused",
        figures.banned_out_ms
    ));
    Ok(())
}

/// At the gate.
async fn refused(cast: &Cast, client: &str) -> Result<()> {
    let is_answer = |event: &AudioEvent| matches!(event, AudioEvent::Connected | AudioEvent::Refused { .. });
    let (_, answer) = cast.audio.wait_for(client, MEDIA_LIMIT, is_answer).await?;
    ensure!(
        matches!(answer, AudioEvent::Refused { status: Some(403), .. }),
        "expected a token kept from before to be refused with 403, and got {answer:?}"
    );
    Ok(())
}
