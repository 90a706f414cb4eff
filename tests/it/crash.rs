//! `kill -9` in the middle of a sale, with the real binary: nothing acknowledged is lost, no payment ends in neither a
//! ticket nor a refund, and nobody has to help.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use boxoffice::client::{Caller, eventually};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::support::{Shop, ShopOptions};

const BUYERS: usize = 40;
const SEATS: usize = 30;
const HOLD_SECONDS: u32 = 20;
/// The server dies when so many payments were confirmed.
const KILL_AFTER: usize = 8;
/// `rules.md` §5: nobody is stuck for longer.
const RECOVERY_LIMIT: Duration = Duration::from_mins(1);

/// What the server told one buyer before it died.
struct Acknowledged {
    buyer: Caller,
    ticket: Option<String>,
    captured: bool,
}

/// One buyer: holds, starts a payment, presents a card. Stops at the first call that fails.
async fn buy(buyer: Caller, room: String, confirmed: Arc<AtomicUsize>, enough: Arc<Notify>) -> Acknowledged {
    let mut known = Acknowledged {
        buyer: buyer.clone(),
        ticket: None,
        captured: false,
    };
    let key = buyer.user_id().to_owned();
    let Ok(hold) = buyer
        .post_with_key(&format!("/v1/rooms/{room}/tickets"), &key, &json!({}))
        .await
    else {
        return known;
    };
    let Some(ticket) = (hold.status == 201).then(|| hold.body["id"].as_str().unwrap_or_default().to_owned()) else {
        return known;
    };
    known.ticket = Some(ticket.clone());
    let payments = format!("/v1/tickets/{ticket}/payments");
    let Ok(payment) = buyer.post_with_key(&payments, &key, &json!({})).await else {
        return known;
    };
    let Some(reference) = payment.body["provider_ref"].as_str() else {
        return known;
    };
    let card = json!({"client_secret": payment.body["client_secret"], "card": "ok", "webhook": "once"});
    let Ok(confirmation) = buyer
        .post(&format!("/sandbox/intents/{reference}/confirm"), &card)
        .await
    else {
        return known;
    };
    known.captured = confirmation.status == 200;
    if known.captured && confirmed.fetch_add(1, Ordering::SeqCst) + 1 == KILL_AFTER {
        enough.notify_one();
    }
    known
}

async fn ticket_of(known: &Acknowledged, ticket: &str) -> Result<Value> {
    known
        .buyer
        .get(&format!("/v1/tickets/{ticket}"))
        .await?
        .expect(200, "a buyer looks for an acknowledged ticket")
}

/// A captured payment has ended: the ticket is there, or the money is back.
fn has_ended(ticket: &Value) -> bool {
    let refunded = || {
        let refunds = ticket["refunds"].as_array().map_or(&[][..], Vec::as_slice);
        !refunds.is_empty() && refunds.iter().all(|refund| refund["state"] == "done")
    };
    ticket["state"] == "issued" || refunded()
}

#[tokio::test(flavor = "multi_thread")]
async fn alf_io_1421_a_killed_server_loses_no_ticket_and_no_payment() -> Result<()> {
    let shop = Shop::open(ShopOptions::default()).await?;
    let room = shop.schedule(SEATS, HOLD_SECONDS).await?;
    let (confirmed, enough) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let mut sale = JoinSet::new();
    for buyer in shop.people(BUYERS).await? {
        sale.spawn(buy(buyer, room.clone(), Arc::clone(&confirmed), Arc::clone(&enough)));
    }
    tokio::time::timeout(RECOVERY_LIMIT, enough.notified())
        .await
        .context("expected confirmed payments")?;
    let shop = shop.kill_and_restart().await?;
    let mut buyers = sale.join_all().await;
    for known in &mut buyers {
        known.buyer = known.buyer.clone().at(&shop.server);
    }

    assert!(buyers.iter().filter(|known| known.captured).count() >= KILL_AFTER);
    for known in &buyers {
        let Some(ticket) = &known.ticket else { continue };
        ticket_of(known, ticket).await?;
        if known.captured {
            eventually(
                "a ticket or a refund for a captured payment",
                RECOVERY_LIMIT,
                || async { Ok(has_ended(&ticket_of(known, ticket).await?).then_some(())) },
            )
            .await?;
        }
    }
    eventually("no seat to be held once the holds are over", RECOVERY_LIMIT, || async {
        let room = shop.room(&room).await?;
        let seats = |kind: &str| room["seats"][kind].as_u64().unwrap_or(u64::MAX);
        assert!(seats("held") + seats("sold") <= SEATS as u64, "{room}");
        Ok((seats("held") == 0).then_some(()))
    })
    .await?;
    shop.assert_books_closed().await
}
