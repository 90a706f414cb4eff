//! `kill -9` of the media server in the full room.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::Instant;

use super::cast::{ANN_HZ, Cast, HOST_HZ, identity};
use super::figures::Figures;
use crate::client::Server;
use crate::demo::doors::heard_since;
use crate::demo::say;
use crate::rehearsal::listener;

const BACK_WITHIN: Duration = Duration::from_secs(10);

pub(super) async fn play(server: &Server, cast: &Cast, figures: &mut Figures) -> Result<()> {
    let port = server
        .livekit_port()
        .context("expected a media server of the shop's own")?;
    let process = listener(port)
        .and_then(|pid| i32::try_from(pid).ok())
        .and_then(Pid::from_raw);
    let stage = cast.stage().await?;
    let killed = Instant::now();
    kill_process(process.context("expected the media server's process")?, Signal::KILL)
        .context("killing the media server")?;
    // What was on its way when it died is heard until then.
    let since = killed + Duration::from_millis(500);
    let mut last = since;
    let (host, ann) = (cast.host_identity(), identity(&cast.ann));
    for ear in ["co-host", "ben's other device", "dan", "eva"] {
        for voice in [(host.as_str(), HOST_HZ), (ann.as_str(), ANN_HZ)] {
            last = last.max(heard_since(&cast.audio, ear, voice, since).await?);
        }
    }
    let back = last - killed;
    figures.back_ms = u64::try_from(back.as_millis())?;
    ensure!(
        back <= BACK_WITHIN,
        "expected everybody back within 10 s, took {back:?}"
    );
    let now = cast.stage().await?;
    for part in ["co_hosts", "speakers", "requests", "muted", "lead_id"] {
        ensure!(
            now[part] == stage[part],
            "expected the same {part} as before, and got {now}"
        );
    }
    say(format!(
        "it comes back, and so does everybody by themselves: all voices are heard again after {} ms, the stage is as before",
        figures.back_ms
    ));
    Ok(())
}
