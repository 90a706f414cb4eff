//! What the shop has of a sale, down to the event, the rule and the payment, and worked out once more.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::cast::Cast;
use super::figures::Figures;
use crate::demo::ledger::dollars;
use crate::demo::people::{list, number, text};
use crate::demo::say;
use crate::output;

const ACCOUNT: &str = "revenue:platform_fee";
/// Basis points of a whole.
const ALL_POINTS: i64 = 10_000;

pub(super) async fn play(cast: &Cast, figures: &mut Figures) -> Result<()> {
    let body = cast.read(&format!("/v1/ledger/explain?account={ACCOUNT}")).await?;
    // Credit is negative.
    figures.platform_fee_minor = -number(&body, "/balances/0/balance_minor")?;
    let lines = list(&body, "/lines")?;
    for line in lines {
        let minor = -number(line, "/amount/amount_minor")?;
        figures.explained_minor += minor;
        check(cast, line, minor).await?;
        tell(line, minor)?;
    }
    ensure!(
        figures.explained_minor == figures.platform_fee_minor && !lines.is_empty(),
        "expected lines that add up to {}, and got {body}",
        figures.platform_fee_minor
    );
    say(format!(
        "{} in all, to the cent: each line is an event of the log, and the rule it was divided by",
        dollars(figures.explained_minor)
    ));
    Ok(())
}

/// The event is the log's, and the rule gives the amount.
async fn check(cast: &Cast, line: &Value, minor: i64) -> Result<()> {
    let stored = cast.event(number(line, "/event/position")?).await?;
    for field in ["event_type", "payload", "hash"] {
        ensure!(
            line["event"][field] == stored[field],
            "expected the {field} of {stored}, and got {line}"
        );
    }
    ensure!(
        line["sale"]["rules"]["platform_fee_base"] == "after_provider",
        "expected a fee of what is left after the provider, and got {line}"
    );
    let part = |name: &str| number(line, &format!("/event/payload/{name}/amount_minor"));
    let left = part("gross")? - part("provider_fee")?;
    let points = number(line, "/sale/rules/platform_fee_basis_points")?;
    ensure!(
        minor == left * points / ALL_POINTS,
        "expected {points} basis points of {left}, and got {line}"
    );
    Ok(())
}

fn tell(line: &Value, minor: i64) -> Result<()> {
    let part = |name: &str| number(line, &format!("/event/payload/{name}/amount_minor"));
    let rules = &line["sale"]["rules"];
    output::line(format!(
        "  {} by {} at position {}: {} % of {}, which is {} less the provider's {} (preset {} {})",
        dollars(minor),
        text(line, "/event/event_type")?,
        number(line, "/event/position")?,
        number(rules, "/platform_fee_basis_points")? / 100,
        dollars(part("gross")? - part("provider_fee")?),
        dollars(part("gross")?),
        dollars(part("provider_fee")?),
        text(rules, "/preset")?,
        number(rules, "/preset_version")?
    ));
    let facts = list(line, "/sale/facts")?;
    let first = facts.first().context("expected facts of the sale")?;
    output::line(format!(
        "       paid by {}, {} facts since {} at position {}",
        text(line, "/sale/payments/0/provider_ref")?,
        facts.len(),
        text(first, "/event_type")?,
        number(first, "/position")?
    ));
    Ok(())
}
