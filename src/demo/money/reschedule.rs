//! The host moves the room. One of the four cannot come then, and has everything back; the seat goes to the next in line.

use anyhow::{Result, ensure};
use event_log::{Clock, SystemClock};
use serde_json::json;

use super::cast::{Cast, Sales};
use super::figures::Figures;
use super::opening::PRICE_MINOR;
use super::waiting_list::{First, take_offer};
use crate::demo::ledger::dollars;
use crate::demo::people::{list, number, text};
use crate::demo::say;
use crate::demo::tickets::refunded;

const STARTS_IN_MINUTES: i64 = 40;
const DECLINE_HOURS: u64 = 1;

pub(super) async fn play(cast: &Cast, first: First, figures: &mut Figures) -> Result<Sales> {
    let starts_at = SystemClock.now() + chrono::Duration::minutes(STARTS_IN_MINUTES);
    let starts_at = starts_at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    let cleo = &first.cleo.holder;
    cleo.caller
        .post_with_key(&cleo.path("/refunds"), "changed-my-mind", &json!({}))
        .await?
        .expect_problem(
            409,
            "not_refundable",
            "a buyer wants a refund that the sale does not have",
        )?;
    let moved = cast
        .host
        .post(
            &cast.room_path("/reschedule"),
            &json!({"starts_at": starts_at, "decline_hours": DECLINE_HOURS}),
        )
        .await?
        .expect(200, "the host moves the room")?;
    ensure!(
        text(&moved, "/starts_at")? == starts_at,
        "expected the room at {starts_at}, and got {moved}"
    );
    cleo.caller
        .post(&cleo.path("/decline_reschedule"), &json!({}))
        .await?
        .expect(202, "a holder declines the new time")?;
    let ticket = refunded(cleo, "refunded").await?;
    ensure!(
        list(&ticket, "/refunds")?.len() == 1 && number(&ticket, "/refunds/0/amount/amount_minor")? == PRICE_MINOR,
        "expected all of the price back, once, and got {ticket}"
    );
    figures.reschedules_declined += 1;
    figures.refunded_minor += PRICE_MINOR;
    say(format!(
        "the room was moved to {starts_at}; one holder declined and has {} back, all of it, although the sale has no refunds",
        dollars(PRICE_MINOR)
    ));
    let fay = take_offer(cast, &cast.fay, figures).await?;
    say("the next in line has the seat, and paid");
    let First { ann, ben, eva, .. } = first;
    Ok(Sales { ann, ben, eva, fay })
}
