//! The sales once more, divided by another preset, beside what they brought.

use anyhow::{Result, ensure};
use chrono::Days;
use event_log::{Clock, SystemClock};
use serde_json::Value;

use super::commands::Commands;
use super::figures::Figures;
use super::sale::PRICE_MINOR;
use crate::demo::ledger::dollars;
use crate::demo::people::number;
use crate::demo::say;

const PRESET: &str = "ticketed-spaces";
/// What that takes of a price below its line, in percent.
const FEE_PERCENT: i64 = 3;
/// Of the three, one was refunded.
const SALES: i64 = 2;

pub(super) async fn play(commands: &Commands<'_>, figures: &mut Figures) -> Result<()> {
    let today = SystemClock.now().date_naive();
    // Midnight may be near.
    let (from, until) = (today - Days::new(1), today + Days::new(2));
    let (from, until) = (from.to_string(), until.to_string());
    let question = ["whatif", "--preset", PRESET, "--from", &from, "--until", &until];
    commands.inside(&question).await?;
    let answer = commands.json(&question).await?;
    let real = check(&answer, "real")?;
    figures.what_if_fee_minor = check(&answer, "what_if")?;
    let expected = SALES * PRICE_MINOR * FEE_PERCENT / 100;
    ensure!(
        real == figures.platform_fee_minor && figures.what_if_fee_minor == expected,
        "expected fees of {} and {expected}, and got {answer}",
        figures.platform_fee_minor
    );
    say(format!(
        "the shop would have had {} instead of {}; nothing was written",
        dollars(figures.what_if_fee_minor),
        dollars(real)
    ));
    Ok(())
}

/// The platform's fee of one column, whose parts have to add up.
fn check(answer: &Value, column: &str) -> Result<i64> {
    let of = |name: &str| number(answer, &format!("/currencies/0/{column}/{name}"));
    let fee = of("platform_fee")?;
    let parts = of("tax")? + of("store_fee")? + of("provider_fee")? + fee + of("host_share")?;
    ensure!(
        number(answer, "/currencies/0/sales")? == SALES && of("gross")? == parts && parts == SALES * PRICE_MINOR,
        "expected {SALES} sales whose parts add up, and got {answer}"
    );
    Ok(fee)
}
