//! Going in: an entry from the API, and audio clients behind it.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use media_bridge::rehearsal::{AudioClients, AudioEvent};
use serde_json::json;
use tokio::time::Instant;

use super::people::text;
use crate::client::{Caller, eventually};

/// Connecting, negotiating and the first audio on a busy small machine.
pub(super) const MEDIA_LIMIT: Duration = Duration::from_secs(20);

/// Nothing heard for so long is silence: twice the reporting step of the audio clients.
const SILENCE: Duration = Duration::from_millis(600);

pub(super) struct Door {
    pub(super) url: String,
    pub(super) token: String,
}

pub(super) async fn door(caller: &Caller, path: &str) -> Result<Door> {
    let entry = caller
        .post(path, &json!({}))
        .await?
        .expect(200, "somebody entitled asks to be let in")?;
    Ok(Door {
        url: text(&entry, "/livekit_url")?,
        token: text(&entry, "/token")?,
    })
}

/// The host goes in and is allowed to speak, and does.
pub(super) async fn host_speaks(audio: &AudioClients, host: &Caller, entry: &str, hz: u32) -> Result<()> {
    let door = door(host, entry).await?;
    audio.connect("host", &door.url, &door.token).await?;
    connected(audio, "host").await?;
    permission(audio, "host", true).await?;
    audio.publish("host", hz).await?;
    Ok(())
}

pub(super) async fn connected(audio: &AudioClients, id: &str) -> Result<()> {
    let (_, event) = audio
        .wait_for(id, MEDIA_LIMIT, |event| {
            matches!(event, AudioEvent::Connected | AudioEvent::Refused { .. })
        })
        .await
        .with_context(|| format!("expected {id} to connect"))?;
    match event {
        AudioEvent::Connected => Ok(()),
        other => bail!("expected {id} to connect, and got {other:?}"),
    }
}

/// Everybody joins as a listener; the right to speak comes and goes while they are connected.
pub(super) async fn permission(audio: &AudioClients, id: &str, wanted: bool) -> Result<()> {
    let is_wanted = |event: &AudioEvent| *event == AudioEvent::Permission { can_publish: wanted };
    let granted = audio.wait_for(id, MEDIA_LIMIT, is_wanted).await;
    granted.with_context(|| format!("expected {id}'s right to speak to be {wanted}"))?;
    Ok(())
}

pub(super) async fn heard(audio: &AudioClients, id: &str, from: &str, hz: u32) -> Result<()> {
    let waited = audio.wait_for(id, MEDIA_LIMIT, |event| event.is_tone(from, hz)).await;
    waited.with_context(|| format!("expected {id} to hear {hz} Hz from {from}"))?;
    Ok(())
}

/// The first moment from `since` on at which they heard this tone.
pub(super) async fn heard_since(
    audio: &AudioClients,
    id: &str,
    (from, hz): (&str, u32),
    since: Instant,
) -> Result<Instant> {
    eventually(&format!("{id} to hear {hz} Hz from {from}"), MEDIA_LIMIT, || async {
        let events = audio.events_since(id, since);
        let heard = events.iter().find(|reported| reported.event.is_tone(from, hz));
        Ok(heard.map(|reported| reported.at))
    })
    .await
}

/// Nothing of this tone is heard any more.
pub(super) async fn silence(audio: &AudioClients, id: &str, (from, hz): (&str, u32)) -> Result<()> {
    eventually(&format!("{id} to hear no more of {from}"), MEDIA_LIMIT, || async {
        let lately = audio.events_since(id, Instant::now() - SILENCE);
        let is_heard = lately.iter().any(|reported| reported.event.is_tone(from, hz));
        Ok((!is_heard).then_some(()))
    })
    .await
}
