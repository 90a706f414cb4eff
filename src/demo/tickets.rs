//! Holding, paying, being issued: what every buyer does.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::people::{Holder, list, number, text};
use crate::client::{Answer, Caller, eventually};

/// A payment is confirmed by webhook in milliseconds, and by the sweep in seconds.
pub(super) const ISSUE_LIMIT: Duration = Duration::from_secs(20);

/// One buyer holds one seat of a room, whoever answers how often.
pub(super) async fn try_hold(room: &str, caller: &Caller) -> Result<Answer> {
    let key = format!("hold-{}", caller.user_id());
    caller
        .post_with_key(&format!("/v1/rooms/{room}/tickets"), &key, &json!({}))
        .await
}

pub(super) async fn hold(room: &str, caller: &Caller) -> Result<Holder> {
    let ticket = try_hold(room, caller).await?.expect(201, "a buyer holds a free seat")?;
    Ok(Holder {
        caller: caller.clone(),
        ticket: text(&ticket, "/id")?,
    })
}

/// Starts a payment and plays the buyer's browser at the sandbox: `card` is `ok` or `declined`, `webhook` `once`,
/// `twice` or `never`. Gives back the provider's name of the payment.
pub(super) async fn pay(holder: &Holder, card: &str, webhook: &str) -> Result<String> {
    let path = holder.path("/payments");
    let key = format!("pay-{card}-{}", holder.ticket);
    let payment = holder
        .caller
        .post_with_key(&path, &key, &json!({}))
        .await?
        .expect(201, "a buyer starts a payment")?;
    let again = holder
        .caller
        .post_with_key(&path, &key, &json!({}))
        .await?
        .expect(201, "a buyer repeats the start")?;
    ensure!(
        again["id"] == payment["id"],
        "expected the same payment for the same key, got {payment} and {again}"
    );
    let confirmation = json!({
        "client_secret": text(&payment, "/client_secret")?,
        "card": card,
        "webhook": webhook,
    });
    let provider_ref = text(&payment, "/provider_ref")?;
    holder
        .caller
        .post(&format!("/sandbox/intents/{provider_ref}/confirm"), &confirmation)
        .await?
        .expect(200, "a card is presented at the sandbox")?;
    Ok(provider_ref)
}

/// Waits for the ticket, and says what was captured for it.
pub(super) async fn issued(holder: &Holder) -> Result<i64> {
    let ticket = eventually("an issued ticket after a captured payment", ISSUE_LIMIT, || async {
        let ticket = holder.look().await?;
        Ok((ticket["state"] == "issued").then_some(ticket))
    });
    let ticket = ticket.await?;
    let payments = list(&ticket, "/payments")?;
    let captured: Vec<&Value> = payments
        .iter()
        .filter(|payment| payment["state"] == "captured")
        .collect();
    ensure!(captured.len() == 1, "expected one captured payment, and got {ticket}");
    number(captured[0], "/amount/amount_minor")
}

/// Waits until a refund is done, and gives the ticket back as it is then.
pub(super) async fn refunded(holder: &Holder, ticket_state: &str) -> Result<Value> {
    eventually("a completed refund", ISSUE_LIMIT, || async {
        let ticket = holder.look().await?;
        let done = ticket["state"] == ticket_state && ticket["refunds"][0]["state"] == "done";
        Ok(done.then_some(ticket))
    })
    .await
}
