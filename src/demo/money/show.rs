//! The room opens, the host is heard, and it ends: then the money is earned.

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
    let inside = [("ann", &sales.ann), ("eva", &sales.eva), ("fay", &sales.fay)];
    for (name, sale) in inside {
        let door = door(&sale.holder.caller, &sale.holder.path("/entry")).await?;
        audio.connect(name, &door.url, &door.token).await?;
    }
    for (name, _) in inside {
        connected(&audio, name).await?;
        heard(&audio, name, &host, HOST_HZ).await?;
    }
    let declined = cast
        .cleo
        .get("/v1/me/tickets")
        .await?
        .expect(200, "a list of tickets")?;
    let ticket = declined["data"][0]["id"].as_str().context("expected a ticket")?;
    cast.cleo
        .post(&format!("/v1/tickets/{ticket}/entry"), &json!({}))
        .await?
        .expect_problem(403, "entry_refused", "a refunded ticket is shown at the door")?;
    cast.host
        .post(&cast.room_path("/end"), &json!({}))
        .await?
        .expect(200, "the host ends the room")?;
    let report = delivery_report(&cast.host, &cast.room).await?;
    ensure!(
        report["delivered"] == true && number(&report, "/host_heard_ms")? > 0,
        "expected a delivered room, and got {report}"
    );
    say(format!(
        "three of the four came, the one who was refunded did not get in; the host was heard for {} ms: delivered",
        number(&report, "/host_heard_ms")?
    ));
    Ok(())
}
