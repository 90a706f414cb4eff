//! The host appoints a co-host and opens; everybody comes in and hears the host.

use std::collections::HashMap;

use anyhow::Result;
use serde_json::json;

use super::cast::{Cast, HOST_HZ};
use crate::demo::doors::{Door, connected, door, heard, host_speaks};
use crate::demo::say;

/// Says how each guest came in.
pub(super) async fn play(cast: &Cast) -> Result<HashMap<&'static str, Door>> {
    let appoint = cast.path(&format!("/co_hosts/{}", cast.co_host.user_id()));
    let appointed = cast.host.put(&appoint, &json!({})).await?;
    appointed.expect(200, "the host appoints a co-host")?;
    cast.act(&cast.host, "/open")
        .await?
        .expect(200, "the host opens the room")?;
    let stage_door = cast.path("/entry");
    host_speaks(&cast.audio, &cast.host, &stage_door, HOST_HZ).await?;
    let entry = door(&cast.co_host, &stage_door).await?;
    cast.audio.connect("co-host", &entry.url, &entry.token).await?;
    let mut doors = HashMap::new();
    for (name, holder) in cast.guests() {
        let entry = door(&holder.caller, &holder.path("/entry")).await?;
        cast.audio.connect(name, &entry.url, &entry.token).await?;
        doors.insert(name, entry);
    }
    let host = cast.host_identity();
    for name in cast.everybody().skip(1) {
        connected(&cast.audio, name).await?;
        heard(&cast.audio, name, &host, HOST_HZ).await?;
    }
    say(format!("the co-host and five guests hear the host's {HOST_HZ} Hz"));
    Ok(doors)
}
