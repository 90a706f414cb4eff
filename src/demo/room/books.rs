//! The books: delivery, earnings, payout, and the proof that everything adds up.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::cast::Cast;
use super::figures::Figures;
use crate::client::{Server, eventually};
use crate::demo::ledger::{self, BOOKS_LIMIT};
use crate::demo::people::{list, number, text};
use crate::demo::{act, say};
use crate::output;

/// The longest list of the demo fits in one page.
const PAGE: &str = "limit=200";

pub(super) async fn play(server: &Server, cast: &Cast, figures: &mut Figures) -> Result<()> {
    act("5. The host ends the room and is paid");
    deliver(cast, figures).await?;
    earn(cast, figures).await?;
    pay_out(cast, figures).await?;
    act("6. The books");
    timeline(cast).await?;
    statement(cast).await?;
    balance(cast, figures).await?;
    verify(server, cast, figures).await
}

async fn deliver(cast: &Cast, figures: &mut Figures) -> Result<()> {
    cast.host
        .post(&cast.room_path("/end"), &json!({}))
        .await?
        .expect(200, "the host ends the room")?;
    let report = ledger::delivery_report(&cast.host, &cast.room).await?;
    figures.host_heard_ms = u64::try_from(number(&report, "/host_heard_ms")?)?;
    ensure!(
        report["delivered"] == true && figures.host_heard_ms > 0,
        "expected a delivered room, and got {report}"
    );
    let present = u64::try_from(number(&report, "/listeners_present")?)?;
    ensure!(
        present == figures.listeners_heard,
        "expected {} listeners present, and got {report}",
        figures.listeners_heard
    );
    say(format!(
        "delivered: the host was heard for {} ms by {present} listeners",
        figures.host_heard_ms
    ));
    Ok(())
}

async fn earn(cast: &Cast, figures: &mut Figures) -> Result<()> {
    let sales = figures.tickets_issued - figures.refunds;
    let lines = eventually("every delivered sale on the host's statement", BOOKS_LIMIT, || async {
        let body = cast
            .host
            .get("/v1/me/statements")
            .await?
            .expect(200, "the host reads the statement")?;
        let earned: Vec<Value> = list(&body, "/data")?
            .iter()
            .filter(|line| line["kind"] == "earning")
            .cloned()
            .collect();
        Ok((u64::try_from(earned.len())? == sales).then_some(earned))
    });
    let mut gross = 0;
    for line in lines.await? {
        gross += number(&line, "/gross/amount_minor")?;
        figures.provider_fees_minor += number(&line, "/provider_fee/amount_minor")?;
        figures.platform_fees_minor += number(&line, "/platform_fee/amount_minor")?;
    }
    let expected = figures.captured_minor - figures.refunded_minor;
    ensure!(
        gross == expected,
        "expected {expected} earned (captured less refunded), and got {gross}"
    );
    say(format!("unearned became earned: {gross} minor units of {sales} sales"));
    Ok(())
}

async fn pay_out(cast: &Cast, figures: &mut Figures) -> Result<()> {
    let share =
        figures.captured_minor - figures.refunded_minor - figures.provider_fees_minor - figures.platform_fees_minor;
    let body = json!({"currency": "USD"});
    let key = "the-only-payout-of-this-demo";
    let asked = cast
        .host
        .post_with_key("/v1/me/payouts", key, &body)
        .await?
        .expect(202, "the host asks for a payout")?;
    let again = cast
        .host
        .post_with_key("/v1/me/payouts", key, &body)
        .await?
        .expect(202, "the host repeats the request")?;
    ensure!(
        asked["id"] == again["id"],
        "expected one payout for one key, got {asked} and {again}"
    );
    let payout = eventually("a paid payout", BOOKS_LIMIT, || async {
        let body = cast
            .host
            .get("/v1/me/payouts")
            .await?
            .expect(200, "the host looks at the payouts")?;
        Ok(list(&body, "/data")?
            .first()
            .filter(|payout| payout["state"] == "paid")
            .cloned())
    });
    let payout = payout.await?;
    figures.payout_minor = number(&payout, "/amount/amount_minor")?;
    figures.payout_status = text(&payout, "/state")?;
    ensure!(
        figures.payout_minor == share,
        "expected a payout of {share}, and got {payout}"
    );
    say(format!("the host was paid {} minor units", figures.payout_minor));
    Ok(())
}

async fn timeline(cast: &Cast) -> Result<()> {
    output::line("The room's timeline:");
    let body = cast
        .host
        .get(&cast.room_path(&format!("/timeline?{PAGE}")))
        .await?
        .expect(200, "the host reads the timeline")?;
    for line in list(&body, "/data")? {
        output::line(format!(
            "  {:>5}  {}  {}",
            line["position"],
            text(line, "/at")?,
            text(line, "/type")?
        ));
    }
    Ok(())
}

async fn statement(cast: &Cast) -> Result<()> {
    output::line("The host's statement (gross, provider fee, platform fee, net; minor units of USD):");
    let body = cast
        .host
        .get("/v1/me/statements")
        .await?
        .expect(200, "the host reads the statement")?;
    for line in list(&body, "/data")? {
        let amount = |field: &str| line[field]["amount_minor"].as_i64().unwrap_or_default();
        let (gross, provider, platform, net) = (
            amount("gross"),
            amount("provider_fee"),
            amount("platform_fee"),
            amount("net"),
        );
        output::line(format!(
            "  {:<14} {gross:>8} {provider:>8} {platform:>8} {net:>8}",
            text(line, "/kind")?
        ));
    }
    Ok(())
}

async fn balance(cast: &Cast, figures: &mut Figures) -> Result<()> {
    figures.ledger_imbalance_minor = ledger::trial_balance(&cast.finance).await?;
    say("it sums to zero; nothing is left in unearned or clearing");
    Ok(())
}

async fn verify(server: &Server, cast: &Cast, figures: &mut Figures) -> Result<()> {
    (figures.events, figures.chain) = ledger::verify_log(server, &cast.finance).await?;
    Ok(())
}
