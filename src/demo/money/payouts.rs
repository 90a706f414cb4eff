//! The account the host named does not exist. The money comes back, the host names another, and asks again.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::cast::{Cast, balance, part};
use super::figures::Figures;
use crate::client::eventually;
use crate::demo::ledger::{BOOKS_LIMIT, dollars};
use crate::demo::people::{list, number, text};
use crate::demo::say;

pub(super) async fn play(cast: &Cast, figures: &mut Figures) -> Result<()> {
    let available = part(&balance(&cast.host).await?, "available");
    let first = ask(cast, "the-first-payout").await?;
    let failed = becomes(cast, &first, "failed").await?;
    has(cast, available, 0).await?;
    figures.payouts_failed += 1;
    say(format!(
        "{} were to be paid: failed, {}; the money is available again",
        dollars(number(&failed, "/amount/amount_minor")?),
        text(&failed, "/reason")?
    ));
    let destination = json!({"destination": "acct_of_the_host"});
    cast.host
        .put("/v1/me/payout_destination", &destination)
        .await?
        .expect(200, "the host corrects the destination")?;
    ensure!(
        ask(cast, "the-first-payout").await? == first,
        "expected the same request to be the payout that failed, and got another one"
    );
    let second = ask(cast, "the-second-payout").await?;
    let paid = becomes(cast, &second, "paid").await?;
    figures.payout_minor = number(&paid, "/amount/amount_minor")?;
    figures.payouts_paid += 1;
    ensure!(
        figures.payout_minor == available,
        "expected {available} to be paid, and got {paid}"
    );
    has(cast, 0, available).await?;
    say(format!(
        "with the right account and a new request {} were paid; the old request still names the payout that failed",
        dollars(figures.payout_minor)
    ));
    Ok(())
}

async fn ask(cast: &Cast, key: &str) -> Result<String> {
    let asked = cast
        .host
        .post_with_key("/v1/me/payouts", key, &json!({"currency": "USD"}))
        .await?
        .expect(202, "the host asks for a payout")?;
    text(&asked, "/id")
}

async fn becomes(cast: &Cast, payout: &str, state: &str) -> Result<Value> {
    eventually(&format!("a payout that is {state}"), BOOKS_LIMIT, || async {
        let body = cast
            .host
            .get("/v1/me/payouts")
            .await?
            .expect(200, "the host looks at the payouts")?;
        let found = list(&body, "/data")?.iter().find(|line| line["id"] == payout);
        Ok(found.filter(|line| line["state"] == state).cloned())
    })
    .await
}

async fn has(cast: &Cast, available: i64, paid_out: i64) -> Result<()> {
    let what = format!("{available} available and {paid_out} paid out");
    eventually(&what, BOOKS_LIMIT, || async {
        let balance = balance(&cast.host).await?;
        let is_so = part(&balance, "available") == available
            && part(&balance, "paid_out") == paid_out
            && part(&balance, "pending_payout") == 0;
        Ok(is_so.then_some(()))
    })
    .await
}
