//! The show: doors, a tone that is heard, a speaker from the audience, a removal that holds.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use media_bridge::rehearsal::{AudioClients, AudioEvent};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::cast::Cast;
use super::figures::Figures;
use crate::demo::doors::{Door, MEDIA_LIMIT, connected, door, heard, host_speaks, permission, silence};
use crate::demo::people::Holder;
use crate::demo::{act, say};

const HOST_HZ: u32 = 440;
const SPEAKER_HZ: u32 = 880;
/// A removed person is out within this (the promise of the room).
const REMOVAL_LIMIT: Duration = Duration::from_secs(2);

pub(super) async fn play(cast: &mut Cast, python: &Path, figures: &mut Figures) -> Result<()> {
    act("4. The host opens the room");
    let audio = AudioClients::start(python).context("starting the audio clients")?;
    doors_are_closed(cast).await?;
    cast.host
        .post(&cast.room_path("/open"), &json!({}))
        .await?
        .expect(200, "the host opens the room")?;
    host_speaks(&audio, &cast.host, &cast.room_path("/entry"), HOST_HZ).await?;
    let mut doors = Vec::new();
    for (number, holder) in cast.holders.iter().enumerate() {
        let door = door(&holder.caller, &holder.path("/entry")).await?;
        audio.connect(&name(number), &door.url, &door.token).await?;
        doors.push(door);
    }
    let host_identity = format!("host-{}", cast.host.user_id());
    for number in 0..cast.holders.len() {
        connected(&audio, &name(number)).await?;
        heard(&audio, &name(number), &host_identity, HOST_HZ).await?;
        figures.listeners_heard += 1;
    }
    say(format!(
        "{} ticket holders hear the host's {HOST_HZ} Hz",
        figures.listeners_heard
    ));
    outsiders_stay_outside(cast).await?;
    figures.speaker_heard_by = speaker_from_the_audience(cast, &audio).await?;
    figures.removed_out_ms = removal(cast, &audio, &doors).await?;
    Ok(())
}

/// The name of a holder's audio client.
fn name(number: usize) -> String {
    format!("listener-{number}")
}

async fn doors_are_closed(cast: &Cast) -> Result<()> {
    let holder = cast.holders.first().context("expected ticket holders")?;
    let early = holder.caller.post(&holder.path("/entry"), &json!({})).await?;
    early.expect_problem(409, "room_not_live", "a holder comes before the doors open")?;
    Ok(())
}

async fn outsiders_stay_outside(cast: &Cast) -> Result<()> {
    let outsider = cast
        .without_ticket
        .as_ref()
        .context("expected a buyer without a ticket")?;
    let someone = cast.holders.first().context("expected ticket holders")?;
    let foreign = outsider.post(&someone.path("/entry"), &json!({})).await?;
    foreign.expect_problem(404, "not_found", "somebody tries another's ticket")?;
    let as_host = outsider.post(&cast.room_path("/entry"), &json!({})).await?;
    ensure!(
        matches!(as_host.status, 403 | 404),
        "expected no stage entry without a part, and got {}",
        as_host.body
    );
    let refunded = cast.refunded.as_ref().context("expected a refunded buyer")?;
    let entry = refunded.caller.post(&refunded.path("/entry"), &json!({})).await?;
    let problem = entry.expect_problem(403, "entry_refused", "a refunded ticket is shown at the door")?;
    ensure!(
        problem["reason"] == "refunded",
        "expected the reason refunded, and got {problem}"
    );
    say("no ticket, no token; the refunded ticket admits nobody");
    Ok(())
}

async fn speaker_from_the_audience(cast: &Cast, audio: &AudioClients) -> Result<u64> {
    let (speaker, id) = (&cast.holders[0], name(0));
    let identity = format!("ticket-{}", speaker.ticket);
    speaker
        .caller
        .post(&cast.room_path("/speak_requests/me"), &json!({}))
        .await?
        .expect(200, "a listener asks to speak")?;
    stage(cast, speaker, "approve").await?;
    permission(audio, &id, true).await?;
    audio.publish(&id, SPEAKER_HZ).await?;
    let mut ears: Vec<String> = (1..cast.holders.len()).map(name).collect();
    ears.push("host".to_owned());
    for ear in &ears {
        heard(audio, ear, &identity, SPEAKER_HZ).await?;
    }
    say(format!(
        "a listener asked to speak, was approved, and {} others hear {SPEAKER_HZ} Hz",
        ears.len()
    ));
    stage(cast, speaker, "dismiss").await?;
    permission(audio, &id, false).await?;
    for ear in &ears {
        silence(audio, ear, (&identity, SPEAKER_HZ)).await?;
    }
    say("sent back to the audience: silence again");
    Ok(u64::try_from(ears.len())?)
}

async fn stage(cast: &Cast, person: &Holder, verb: &str) -> Result<Value> {
    let path = cast.room_path(&format!("/stage/{}/{verb}", person.caller.user_id()));
    cast.host
        .post(&path, &json!({}))
        .await?
        .expect(200, "the host directs the stage")
}

async fn removal(cast: &Cast, audio: &AudioClients, doors: &[Door]) -> Result<u64> {
    let (removed, id) = (&cast.holders[1], name(1));
    let asked = Instant::now();
    let body = json!({"user_id": removed.caller.user_id()});
    cast.host
        .post(&cast.room_path("/removals"), &body)
        .await?
        .expect(200, "the host removes a listener")?;
    let gone = audio
        .wait_for(&id, REMOVAL_LIMIT, |event| {
            matches!(event, AudioEvent::Disconnected { .. })
        })
        .await;
    let (out, _) = gone.context("expected the removed listener to be out within 2 s")?;
    let out_ms = u64::try_from(out.saturating_duration_since(asked).as_millis())?;
    ensure!(
        out.saturating_duration_since(asked) <= REMOVAL_LIMIT,
        "expected a removal within 2 s, took {out_ms} ms"
    );
    let again = "removed-again";
    audio.connect(again, &doors[1].url, &doors[1].token).await?;
    let answer = audio
        .wait_for(again, MEDIA_LIMIT, |event| {
            matches!(event, AudioEvent::Connected | AudioEvent::Refused { .. })
        })
        .await?;
    ensure!(
        matches!(answer.1, AudioEvent::Refused { status: Some(403), .. }),
        "expected the old token to be refused with 403, and got {:?}",
        answer.1
    );
    let entry = removed.caller.post(&removed.path("/entry"), &json!({})).await?;
    let problem = entry.expect_problem(403, "entry_refused", "a removed listener asks for a new token")?;
    ensure!(
        problem["reason"] == "removed",
        "expected the reason removed, and got {problem}"
    );
    say(format!(
        "a listener was removed: out after {out_ms} ms, old token and new request refused"
    ));
    Ok(out_ms)
}
