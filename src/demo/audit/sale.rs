//! A room of three seats is sold out, and one of the three has the money back.

use anyhow::{Context as _, Result, ensure};
use event_log::{Clock, SystemClock};
use serde_json::json;

use super::cast::{Cast, Sales};
use super::figures::Figures;
use crate::client::Caller;
use crate::demo::ledger::dollars;
use crate::demo::people::{Holder, become_host, number, text};
use crate::demo::say;
use crate::demo::tickets::{hold, issued, pay, refunded};

pub(super) const PRICE_MINOR: i64 = 1_000;
const SEATS: u64 = 3;
const STARTS_IN_MINUTES: i64 = 10;

pub(super) async fn play(cast: &mut Cast, figures: &mut Figures) -> Result<Sales> {
    become_host(&cast.host, &cast.admin, "acct_of_the_fourth_act").await?;
    schedule(cast).await?;
    let sales = Sales {
        ann: buy(cast, &cast.ann, figures).await?,
        ben: buy(cast, &cast.ben, figures).await?,
        cleo: buy(cast, &cast.cleo, figures).await?,
        refused_at: turn_away(cast).await?,
    };
    give_back(&sales.cleo, figures).await?;
    say(format!(
        "{SEATS} seats at {}: three paid, a fourth came too late, and one of the three had the money back",
        dollars(PRICE_MINOR)
    ));
    Ok(sales)
}

async fn schedule(cast: &mut Cast) -> Result<()> {
    let starts_at = SystemClock.now() + chrono::Duration::minutes(STARTS_IN_MINUTES);
    let room = json!({
        "title": "What the tide tables left out",
        "description": "",
        "language": "en",
        "starts_at": starts_at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        "planned_minutes": 30,
        "price": {"amount_minor": PRICE_MINOR, "currency": "USD"},
        "capacity": SEATS,
        "refund_policy": {"kind": "until_start"},
    });
    let made = cast
        .host
        .post_with_key("/v1/rooms", "the-room-of-the-fourth-act", &room)
        .await?
        .expect(201, "the host schedules the room")?;
    cast.room = text(&made, "/id")?;
    Ok(())
}

async fn buy(cast: &Cast, caller: &Caller, figures: &mut Figures) -> Result<Holder> {
    let holder = hold(&cast.room, caller).await?;
    pay(&holder, "ok", "once").await?;
    figures.captured_minor += issued(&holder).await?;
    figures.tickets_issued += 1;
    Ok(holder)
}

/// Where the log stood when there was no seat left.
async fn turn_away(cast: &Cast) -> Result<u64> {
    let path = cast.room_path("/tickets");
    let refused = cast.dan.post_with_key(&path, "one-seat-too-many", &json!({})).await?;
    ensure!(
        refused.status == 409 && refused.body["code"] == "sold_out",
        "expected the room to be sold out, and got {}",
        refused.body
    );
    refused
        .log_position
        .context("expected to be told what the refusal rests on")
}

async fn give_back(holder: &Holder, figures: &mut Figures) -> Result<()> {
    let body = json!({"reason": "cannot come"});
    holder
        .caller
        .post_with_key(&holder.path("/refunds"), "the-only-refund", &body)
        .await?
        .expect(201, "a buyer asks for the money back before the start")?;
    let ticket = refunded(holder, "refunded").await?;
    figures.refunded_minor = number(&ticket, "/refunds/0/amount/amount_minor")?;
    ensure!(
        figures.refunded_minor == PRICE_MINOR,
        "expected all of the price back, and got {ticket}"
    );
    Ok(())
}
