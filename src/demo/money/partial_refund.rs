//! A part of a price goes back, and the ticket stays what it is.

use anyhow::{Result, ensure};
use serde_json::json;

use super::cast::{Cast, Sale};
use super::figures::Figures;
use super::opening::PRICE_MINOR;
use crate::demo::ledger::dollars;
use crate::demo::people::number;
use crate::demo::say;
use crate::demo::tickets::refunded;

const PART_MINOR: i64 = 250;

pub(super) async fn play(cast: &Cast, sale: &Sale, figures: &mut Figures) -> Result<()> {
    let path = sale.holder.path("/refunds");
    let part =
        |minor: i64| json!({"amount": {"amount_minor": minor, "currency": "USD"}, "reason": "the long way round"});
    for _ in 0..2 {
        cast.host
            .post_with_key(&path, "a-part-of-it", &part(PART_MINOR))
            .await?
            .expect(201, "the host gives a part of a price back, and says so twice")?;
    }
    let ticket = refunded(&sale.holder, "issued").await?;
    ensure!(
        ticket["refunds"].as_array().is_some_and(|refunds| refunds.len() == 1)
            && number(&ticket, "/refunds/0/amount/amount_minor")? == PART_MINOR,
        "expected one refund of {PART_MINOR}, and got {ticket}"
    );
    cast.host
        .post_with_key(&path, "more-than-is-left", &part(PRICE_MINOR))
        .await?
        .expect_problem(409, "refund_exceeds_captured", "more is to go back than is left")?;
    figures.partial_refunds += 1;
    figures.refunded_minor += PART_MINOR;
    say(format!(
        "{} of {} went back, once for one key; the ticket is still good, and more than is left was refused",
        dollars(PART_MINOR),
        dollars(PRICE_MINOR)
    ));
    Ok(())
}
