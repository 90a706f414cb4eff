//! Buying a ticket at the sandbox.

use std::time::Duration;

use anyhow::{Context, Result};
use boxoffice::client::{Answer, Caller, eventually};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(30);

/// Asks for a seat; the same buyer always with the same key.
pub(crate) async fn try_hold(buyer: &Caller, room: &str) -> Result<Answer> {
    let key = format!("hold-{}", buyer.user_id());
    buyer
        .post_with_key(&format!("/v1/rooms/{room}/tickets"), &key, &json!({}))
        .await
}

/// A buyer with an issued ticket: the ticket's id.
pub(crate) async fn buy(buyer: &Caller, room: &str) -> Result<String> {
    let hold = try_hold(buyer, room).await?.expect(201, "a buyer holds a seat")?;
    let ticket = hold["id"].as_str().context("expected a ticket id")?.to_owned();
    let payments = format!("/v1/tickets/{ticket}/payments");
    let payment = buyer
        .post_with_key(&payments, "the-only-payment", &json!({}))
        .await?
        .expect(201, "a payment starts")?;
    let confirm = format!(
        "/sandbox/intents/{}/confirm",
        payment["provider_ref"].as_str().context("expected a reference")?
    );
    let card = json!({"client_secret": payment["client_secret"], "card": "ok"});
    buyer
        .post(&confirm, &card)
        .await?
        .expect(200, "the card is presented")?;
    eventually("an issued ticket", LIMIT, || async {
        let shown = buyer
            .get(&format!("/v1/tickets/{ticket}"))
            .await?
            .expect(200, "the buyer looks")?;
        Ok((shown["state"] == "issued").then_some(()))
    })
    .await?;
    Ok(ticket)
}

/// The receipt of a ticket, once it is of the issued one.
pub(crate) async fn issued_receipt(buyer: &Caller, ticket: &str) -> Result<Value> {
    let path = format!("/v1/tickets/{ticket}/receipt");
    let issued = async || {
        let receipt = buyer.get(&path).await?;
        let is_issued = receipt.body["entry"]["event_type"] == "ticket_issued";
        Ok::<_, anyhow::Error>((receipt.status == 200 && is_issued).then_some(receipt.body))
    };
    eventually("a receipt of the issued ticket", LIMIT, issued).await
}
