//! The room: scheduled by one, shared with another, and not for sale before both agreed.

use anyhow::{Result, ensure};
use event_log::{Clock, SystemClock};
use serde_json::json;

use super::cast::Cast;
use super::figures::Figures;
use crate::demo::people::{become_host, text};
use crate::demo::say;
use crate::demo::tickets::try_hold;

pub(super) const SEATS: u64 = 4;
pub(super) const PRICE_MINOR: i64 = 1_000;
const HOLD_SECONDS: u64 = 300;
const STARTS_IN_MINUTES: i64 = 10;
const HOST_POINTS: i64 = 7_000;
/// Of 10,000.
pub(super) const CO_HOST_POINTS: i64 = 3_000;
/// The sandbox refuses to pay to an account with such a name.
const WRONG_ACCOUNT: &str = "acct_typed_in_wrong_so_transfers_fail";

pub(super) async fn play(cast: &mut Cast, figures: &mut Figures) -> Result<()> {
    become_host(&cast.host, &cast.admin, WRONG_ACCOUNT).await?;
    schedule(cast).await?;
    let shares = json!({"shares": [
        {"user_id": cast.host.user_id(), "basis_points": HOST_POINTS},
        {"user_id": cast.co_host.user_id(), "basis_points": CO_HOST_POINTS},
    ]});
    cast.host
        .put(&cast.room_path("/shares"), &shares)
        .await?
        .expect(200, "the host proposes shares")?;
    try_hold(&cast.room, &cast.ann).await?.expect_problem(
        409,
        "sales_not_open",
        "somebody wants a seat before the shares are agreed",
    )?;
    let agreed = cast
        .co_host
        .post(
            &cast.room_path("/shares/me/accept"),
            &json!({"basis_points": CO_HOST_POINTS}),
        )
        .await?
        .expect(200, "the co-host accepts")?;
    ensure!(
        agreed["agreed"] == true,
        "expected the shares to be agreed, and got {agreed}"
    );
    figures.seats = SEATS;
    say(format!(
        "{SEATS} seats at 10.00 USD; {} of what it earns is the host's, {} the co-host's. Both agreed: now it is sold",
        percent(HOST_POINTS),
        percent(CO_HOST_POINTS)
    ));
    Ok(())
}

async fn schedule(cast: &mut Cast) -> Result<()> {
    let starts_at = SystemClock.now() + chrono::Duration::minutes(STARTS_IN_MINUTES);
    let room = json!({
        "title": "Two lighthouse keepers",
        "description": "They take turns.",
        "language": "en",
        "starts_at": starts_at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        "planned_minutes": 30,
        "price": {"amount_minor": PRICE_MINOR, "currency": "USD"},
        "capacity": SEATS,
        "hold_seconds": HOLD_SECONDS,
        "refund_policy": {"kind": "none"},
    });
    let made = cast
        .host
        .post_with_key("/v1/rooms", "the-room-of-the-second-act", &room)
        .await?
        .expect(201, "the host schedules the room")?;
    cast.room = text(&made, "/id")?;
    Ok(())
}

fn percent(points: i64) -> String {
    format!("{} %", points / 100)
}
