//! The sale: schedule, rush, payments of every kind, a lapse, a refund.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use event_log::clock::{Clock, SystemClock};
use futures::future::{join_all, try_join_all};
use serde_json::json;

use super::cast::Cast;
use super::figures::Figures;
use crate::client::{Caller, eventually};
use crate::demo::people::{Holder, list, number, text};
use crate::demo::tickets::{self, ISSUE_LIMIT, hold, pay, try_hold};
use crate::demo::{act, say};

const SEATS: u64 = 5;
const PRICE_MINOR: i64 = 1_000;
const HOLD_SECONDS: u64 = 6;
const LAPSE_LIMIT: Duration = Duration::from_secs(HOLD_SECONDS + 10);

pub(super) async fn play(cast: &mut Cast, figures: &mut Figures) -> Result<()> {
    act("1. A host schedules a room");
    schedule(cast).await?;
    figures.seats = SEATS;
    act("2. Eight buyers try at once for five seats");
    let (mut winners, mut refused) = rush(cast, figures).await?;
    let unpaid = winners.pop().context("expected five winners")?;
    pay_in_every_way(&winners, figures).await?;
    let late = take_lapsed_seat(cast, &unpaid, refused.remove(0), figures).await?;
    winners.push(late);
    act("3. A buyer is refunded before the start; the seat is sold again");
    let refunded = winners.remove(2);
    refund(cast, &refunded, figures).await?;
    let next = refused.remove(0);
    let again = hold(&cast.room, &next).await?;
    pay(&again, "ok", "once").await?;
    issued(&again, figures).await?;
    say("another buyer who had been refused has the seat now");
    winners.push(again);
    cast.holders = winners;
    cast.refunded = Some(refunded);
    cast.without_ticket = refused.pop();
    seats_are(cast, 0, 0, SEATS).await
}

async fn schedule(cast: &mut Cast) -> Result<()> {
    cast.host
        .put("/v1/me/host_application", &json!({}))
        .await?
        .expect(200, "the host applies")?;
    let starts_at = SystemClock.now() + chrono::Duration::minutes(10);
    let mut room = json!({
        "title": "Night trains, told live",
        "description": "Five seats, one microphone.",
        "language": "en",
        "starts_at": starts_at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        "planned_minutes": 30,
        "price": {"amount_minor": PRICE_MINOR, "currency": "USD"},
        "capacity": SEATS,
        "hold_seconds": HOLD_SECONDS,
        "refund_policy": {"kind": "until_start"},
    });
    let early = cast
        .host
        .post_with_key("/v1/rooms", "the-first-try-of-this-room", &room)
        .await?;
    early.expect_problem(403, "host_not_approved", "an unapproved host schedules a priced room")?;
    let approve = format!("/v1/hosts/{}/approve", cast.host.user_id());
    cast.admin
        .post(&approve, &json!({}))
        .await?
        .expect(200, "the admin approves the host")?;
    let destination = json!({"destination": "acct_demo_host"});
    cast.host
        .put("/v1/me/payout_destination", &destination)
        .await?
        .expect(200, "the host links a payout destination")?;
    let key = "the-only-room-of-this-demo";
    let made = cast
        .host
        .post_with_key("/v1/rooms", key, &room)
        .await?
        .expect(201, "the host schedules the room")?;
    let again = cast
        .host
        .post_with_key("/v1/rooms", key, &room)
        .await?
        .expect(201, "the host repeats the request")?;
    cast.room = text(&made, "/id")?;
    ensure!(
        text(&again, "/id")? == cast.room,
        "expected the same room for the same key, and got {again}"
    );
    room["title"] = "Another room".into();
    cast.host.post_with_key("/v1/rooms", key, &room).await?.expect_problem(
        422,
        "idempotency_key_reused",
        "the key is used for another request",
    )?;
    say(format!(
        "an admin approved the host; room {} is on sale: 10.00 USD, {SEATS} seats",
        cast.room
    ));
    Ok(())
}

/// All at once: the room decides who is first.
async fn rush(cast: &Cast, figures: &mut Figures) -> Result<(Vec<Holder>, Vec<Caller>)> {
    let tries = join_all(cast.buyers.iter().map(|buyer| try_hold(&cast.room, buyer))).await;
    let (mut winners, mut refused) = (Vec::new(), Vec::new());
    for (buyer, answer) in cast.buyers.iter().zip(tries) {
        let answer = answer?;
        if answer.status == 201 {
            winners.push(Holder {
                caller: buyer.clone(),
                ticket: text(&answer.body, "/id")?,
            });
        } else {
            answer.expect_problem(409, "sold_out", "more buyers than seats try to hold")?;
            refused.push(buyer.clone());
        }
    }
    figures.holds_granted = u64::try_from(winners.len())?;
    figures.sold_out_refusals = u64::try_from(refused.len())?;
    ensure!(
        winners.len() == 5 && refused.len() == 3,
        "expected 5 holds and 3 sold_out, got {winners} and {refused}",
        winners = winners.len(),
        refused = refused.len()
    );
    say("exactly five hold a seat, three were told sold_out");
    let first = winners.first().context("expected a winner")?;
    let again = try_hold(&cast.room, &first.caller)
        .await?
        .expect(201, "a buyer repeats a purchase with the same key")?;
    ensure!(
        text(&again, "/id")? == first.ticket,
        "expected the same ticket for the same key, and got {again}"
    );
    say("the same Idempotency-Key gives the same ticket");
    seats_are(cast, 0, SEATS, 0).await?;
    Ok((winners, refused))
}

async fn issued(holder: &Holder, figures: &mut Figures) -> Result<()> {
    figures.captured_minor += tickets::issued(holder).await?;
    figures.tickets_issued += 1;
    Ok(())
}

async fn pay_in_every_way(winners: &[Holder], figures: &mut Figures) -> Result<()> {
    let [plain, declined, lost, refundable] = winners else {
        anyhow::bail!("expected four buyers who pay, and got {}", winners.len());
    };
    let decline_then_pay = async {
        pay(declined, "declined", "once").await?;
        eventually("a declined payment", ISSUE_LIMIT, || async {
            let ticket = declined.look().await?;
            Ok((ticket["payments"][0]["state"] == "declined").then_some(()))
        })
        .await?;
        pay(declined, "ok", "twice").await
    };
    try_join_all([
        Box::pin(pay(plain, "ok", "once")) as std::pin::Pin<Box<dyn Future<Output = Result<String>> + Send>>,
        Box::pin(decline_then_pay),
        Box::pin(pay(lost, "ok", "never")),
        Box::pin(pay(refundable, "ok", "once")),
    ])
    .await?;
    figures.declined_payments += 1;
    for holder in winners {
        issued(holder, figures).await?;
    }
    say("four paid: one at the second card, one webhook came twice, one never (the sweep found it)");
    Ok(())
}

async fn take_lapsed_seat(cast: &Cast, unpaid: &Holder, next: Caller, figures: &mut Figures) -> Result<Holder> {
    let holder = eventually("a seat after an unpaid hold lapsed", LAPSE_LIMIT, || async {
        let answer = try_hold(&cast.room, &next).await?;
        if answer.status == 201 {
            return Ok(Some(Holder {
                caller: next.clone(),
                ticket: text(&answer.body, "/id")?,
            }));
        }
        answer.expect_problem(409, "sold_out", "the last seat is still held")?;
        Ok(None)
    });
    let holder = holder.await?;
    eventually("the unpaid ticket to be lapsed", ISSUE_LIMIT, || async {
        Ok((unpaid.look().await?["state"] == "lapsed").then_some(()))
    })
    .await?;
    figures.lapsed_holds += 1;
    pay(&holder, "ok", "once").await?;
    issued(&holder, figures).await?;
    say("one hold lapsed unpaid; a buyer who had been refused has the seat and paid");
    Ok(holder)
}

async fn refund(cast: &Cast, holder: &Holder, figures: &mut Figures) -> Result<()> {
    let path = holder.path("/refunds");
    let key = format!("refund-{}", holder.ticket);
    let body = json!({"reason": "cannot come"});
    holder
        .caller
        .post_with_key(&path, &key, &body)
        .await?
        .expect(201, "a buyer asks for the money back before the start")?;
    holder
        .caller
        .post_with_key(&path, &key, &body)
        .await?
        .expect(201, "the buyer repeats the request")?;
    let ticket = tickets::refunded(holder, "refunded").await?;
    let refunds = list(&ticket, "/refunds")?;
    ensure!(refunds.len() == 1, "expected one refund for one key, and got {ticket}");
    figures.refunds += 1;
    figures.refunded_minor += number(&refunds[0], "/amount/amount_minor")?;
    ensure!(
        figures.refunded_minor == PRICE_MINOR,
        "expected {PRICE_MINOR} back, and got {}",
        figures.refunded_minor
    );
    say("10.00 USD went back");
    seats_are(cast, 1, 0, SEATS - 1).await
}

/// The room shows these numbers, as soon as its view has caught up.
async fn seats_are(cast: &Cast, free: u64, held: u64, sold: u64) -> Result<()> {
    let expected = json!({"free": free, "held": held, "sold": sold});
    eventually(&format!("the seats to be {expected}"), ISSUE_LIMIT, || async {
        let room = cast
            .stranger
            .get(&cast.room_path(""))
            .await?
            .expect(200, "anybody looks at the room")?;
        Ok((room["seats"] == expected).then_some(()))
    })
    .await
}
