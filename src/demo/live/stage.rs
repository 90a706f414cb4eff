//! Asking to speak, being heard, being silenced, and one's own word.

use anyhow::{Result, ensure};
use serde_json::json;
use tokio::time::Instant;

use super::cast::{ANN_HZ, Cast, identity};
use super::figures::Figures;
use crate::demo::doors::{heard_since, permission, silence};
use crate::demo::say;

/// The two who listen for her.
const EARS: [&str; 2] = ["dan", "host"];

pub(super) async fn speak(cast: &Cast, figures: &mut Figures) -> Result<()> {
    let ann = cast.ann.caller.user_id();
    let unasked = cast.act(&cast.ann.caller, "/speak_requests/me").await?;
    unasked.expect_problem(
        409,
        "recording_consent_required",
        "she was not asked whether she may be recorded",
    )?;
    let consent = cast.act(&cast.ann.caller, "/recording/consent").await?;
    consent.expect(200, "she agrees to be recorded")?;
    let requested = cast.act(&cast.ann.caller, "/speak_requests/me").await?;
    requested.expect(200, "a listener asks to speak")?;
    ensure!(
        cast.stage().await?["requests"] == json!([ann]),
        "expected her request to be seen"
    );
    let dan = cast.act(&cast.dan.caller, &format!("/stage/{ann}/approve")).await?;
    dan.expect_problem(403, "forbidden", "another listener approves it")?;
    let asked = Instant::now();
    let approved = cast.act(&cast.co_host, &format!("/stage/{ann}/approve")).await?;
    approved.expect(200, "the co-host approves it")?;
    permission(&cast.audio, "ann", true).await?;
    figures.approved_ms = u64::try_from(asked.elapsed().as_millis())?;
    cast.audio.publish("ann", ANN_HZ).await?;
    for ear in EARS {
        heard_since(&cast.audio, ear, (&identity(&cast.ann), ANN_HZ), asked).await?;
    }
    say(format!(
        "approved: she may speak after {} ms, and {ANN_HZ} Hz are heard; another listener could not approve her",
        figures.approved_ms
    ));
    Ok(())
}

pub(super) async fn mute(cast: &Cast, figures: &mut Figures) -> Result<()> {
    let ann = cast.ann.caller.user_id();
    let asked = Instant::now();
    let muted = cast.act(&cast.co_host, &format!("/stage/{ann}/mute")).await?;
    muted.expect(200, "the co-host mutes her")?;
    permission(&cast.audio, "ann", false).await?;
    figures.muted_ms = u64::try_from(asked.elapsed().as_millis())?;
    for ear in EARS {
        silence(&cast.audio, ear, (&identity(&cast.ann), ANN_HZ)).await?;
    }
    say(format!("muted after {} ms: nobody hears her", figures.muted_ms));
    let unmuted = Instant::now();
    let word = cast.act(&cast.ann.caller, "/stage/me/unmute").await?;
    word.expect(200, "she takes the word back")?;
    permission(&cast.audio, "ann", true).await?;
    cast.audio.publish("ann", ANN_HZ).await?;
    for ear in EARS {
        heard_since(&cast.audio, ear, (&identity(&cast.ann), ANN_HZ), unmuted).await?;
    }
    say("nobody else could have done it for her: she speaks again by her own word");
    Ok(())
}
