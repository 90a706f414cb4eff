//! A buyer goes to the bank about a sale that was earned already, and the bank keeps the money.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::cast::{Cast, Sale, balance, part};
use super::earning::Earned;
use super::figures::Figures;
use crate::client::{Caller, eventually};
use crate::demo::ledger::{BOOKS_LIMIT, dollars};
use crate::demo::people::{list, number, text};
use crate::demo::say;

pub(super) async fn play(cast: &Cast, sale: &Sale, earned: &[Earned], figures: &mut Figures) -> Result<()> {
    let disputed = earned.iter().find(|line| line.ticket == sale.holder.ticket);
    let disputed = disputed.context("expected the disputed sale among the earnings")?;
    cast.admin
        .post("/sandbox/disputes", &json!({"payment_ref": sale.payment}))
        .await?
        .expect(204, "a buyer goes to the bank")?;
    becomes(&cast.host, "reserved", disputed.host).await?;
    becomes(&cast.co_host, "reserved", disputed.co_host).await?;
    let evidence = evidence(cast, sale, "open").await?;
    say(format!(
        "{} are disputed: {} of the host and {} of the co-host are held. The bank is shown {} facts with their places in the log",
        dollars(disputed.gross),
        dollars(disputed.host),
        dollars(disputed.co_host),
        list(&evidence, "/events")?.len()
    ));
    let close = format!("/sandbox/disputes/{}/close", text(&evidence, "/disputes/0/dispute")?);
    cast.admin
        .post(&close, &json!({"outcome": "lost"}))
        .await?
        .expect(204, "the bank decides for the buyer")?;
    let evidence = self::evidence(cast, sale, "lost").await?;
    ensure!(
        evidence["ticket"]["state"] == "revoked",
        "expected the ticket to be revoked, and got {evidence}"
    );
    becomes(&cast.host, "reserved", 0).await?;
    becomes(&cast.host, "available", figures.host_share_minor - disputed.host).await?;
    becomes(&cast.co_host, "reserved", 0).await?;
    becomes(
        &cast.co_host,
        "available",
        figures.co_host_share_minor - disputed.co_host,
    )
    .await?;
    let fees = disputed.gross - disputed.host - disputed.co_host;
    let books = books(cast, fees).await?;
    figures.disputes_lost += 1;
    figures.dispute_loss_minor = fees;
    say(format!(
        "lost: the ticket is revoked, both parts are gone, {} of fees are the shop's loss, and the dispute cost it {}",
        dollars(fees),
        dollars(amount(&books, "expense:dispute_fee")?)
    ));
    Ok(())
}

/// Waits until a part of somebody's balance is so much.
async fn becomes(who: &Caller, name: &str, minor: i64) -> Result<()> {
    let what = format!("{minor} minor units to be {name}");
    eventually(&what, BOOKS_LIMIT, || async {
        Ok((part(&balance(who).await?, name) == minor).then_some(()))
    })
    .await
}

/// What the shop shows the bank, once the dispute is so far.
async fn evidence(cast: &Cast, sale: &Sale, state: &str) -> Result<Value> {
    let path = sale.holder.path("/evidence");
    eventually(&format!("a dispute that is {state}"), BOOKS_LIMIT, || async {
        let body = cast
            .finance
            .get(&path)
            .await?
            .expect(200, "finance looks at the evidence")?;
        Ok((body["disputes"][0]["state"] == state).then_some(body))
    })
    .await
}

/// The trial balance, when it has the loss.
async fn books(cast: &Cast, loss: i64) -> Result<Value> {
    eventually("the loss in the books", BOOKS_LIMIT, || async {
        let body = cast
            .finance
            .get("/v1/ledger/trial_balance")
            .await?
            .expect(200, "finance reads the trial balance")?;
        let is_there = amount(&body, "loss:dispute").is_ok_and(|balance| balance == loss);
        Ok(is_there.then_some(body))
    })
    .await
}

fn amount(books: &Value, account: &str) -> Result<i64> {
    let line = list(books, "/data")?.iter().find(|line| line["account"] == account);
    number(
        line.with_context(|| format!("expected {account} in the books"))?,
        "/balance_minor",
    )
}
