//! The room is played: without that nothing is earned.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use media_bridge::rehearsal::AudioClients;
use serde_json::json;

use super::cast::{Cast, Sales};
use crate::demo::doors::{connected, door, heard, host_speaks};
use crate::demo::ledger::delivery_report;
use crate::demo::people::number;
use crate::demo::say;

const HOST_HZ: u32 = 440;

pub(super) async fn play(cast: &Cast, sales: &Sales, python: &Path) -> Result<()> {
    let audio = AudioClients::start(python).context("starting the audio clients")?;
    cast.host
        .post(&cast.room_path("/open"), &json!({}))
        .await?
        .expect(200, "the host opens the room")?;
    host_speaks(&audio, &cast.host, &cast.room_path("/entry"), HOST_HZ).await?;
    let host = format!("host-{}", cast.host.user_id());
    for (name, holder) in [("ann", &sales.ann), ("ben", &sales.ben)] {
        let door = door(&holder.caller, &holder.path("/entry")).await?;
        audio.connect(name, &door.url, &door.token).await?;
        connected(&audio, name).await?;
        heard(&audio, name, &host, HOST_HZ).await?;
    }
    cast.host
        .post(&cast.room_path("/end"), &json!({}))
        .await?
        .expect(200, "the host ends the room")?;
    let report = delivery_report(&cast.host, &cast.room).await?;
    let heard_ms = number(&report, "/host_heard_ms")?;
    ensure!(
        report["delivered"] == true && heard_ms > 0,
        "expected a delivered room, and got {report}"
    );
    say(format!(
        "the two others heard the host, for {heard_ms} ms: delivered, so the money is earned"
    ));
    Ok(())
}
