//! The host's statement of the month that runs: what it opens with, its lines, what it closes with; and the same as a sheet.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::cast::{Cast, balance, part};
use super::figures::Figures;
use crate::demo::ledger::dollars;
use crate::demo::people::{list, number, text};
use crate::demo::say;
use crate::output;

/// `2026-11` of `2026-11-24T20:00:00.000Z`.
const MONTH_CHARS: usize = 7;

pub(super) async fn play(cast: &Cast, figures: &mut Figures) -> Result<()> {
    let whole = read(cast, "/v1/me/statements").await?;
    let last = list(&whole, "/data")?
        .last()
        .context("expected lines on the statement")?;
    let month: String = text(last, "/at")?.chars().take(MONTH_CHARS).collect();
    let path = format!("/v1/me/statements/{month}");
    let statement = read(cast, &path).await?;
    ensure!(
        statement["month"] == month && statement["complete"] == false,
        "expected the statement of a month that runs, and got {statement}"
    );
    let lines = list(&statement, "/data")?;
    let mut running = number(&statement, "/currencies/0/opening/balance/amount_minor")?;
    let mut net = 0;
    output::line(format!("Statement of {month}, as far as it goes:"));
    output::line("  line                  gross  refunded  platform       net   balance");
    for line in lines {
        let minor = |field: &str| number(line, &format!("/{field}/amount_minor"));
        net += minor("net")?;
        running += minor("net")?;
        output::line(format!(
            "  {:<18}  {:>7}  {:>8}  {:>8}  {:>8}  {:>8}",
            text(line, "/kind")?,
            dollars(minor("gross")?),
            dollars(minor("refunded")?),
            dollars(minor("platform_fee")?),
            dollars(minor("net")?),
            dollars(running)
        ));
    }
    check(cast, &statement, net, running).await?;
    let sheet = cast
        .host
        .get(&format!("{path}?format=csv"))
        .await?
        .expect(200, "the host takes the sheet")?;
    let rows = sheet.as_str().map_or(0, |sheet| sheet.lines().count());
    // Beside the lines: the header, what it opens with, the sums, what it closes with.
    ensure!(
        rows == lines.len() + 4,
        "expected {} rows, and got {sheet}",
        lines.len() + 4
    );
    figures.statement_month = month;
    figures.statement_lines = u64::try_from(lines.len())?;
    say("it opens, adds up and closes with what the host's account has; as a sheet it has the same lines");
    Ok(())
}

async fn read(cast: &Cast, path: &str) -> Result<Value> {
    cast.host.get(path).await?.expect(200, "the host reads a statement")
}

async fn check(cast: &Cast, statement: &Value, net: i64, running: i64) -> Result<()> {
    let of = |pointer: &str| number(statement, &format!("/currencies/0/{pointer}/amount_minor"));
    ensure!(
        of("totals/net")? == net && of("closing/balance")? == running,
        "expected {net} in all and {running} in the end, and got {statement}"
    );
    let balance = balance(&cast.host).await?;
    for name in ["available", "reserved", "receivable", "pending_payout"] {
        let closing = of(&format!("closing/{name}"))?;
        ensure!(
            part(&balance, name) == closing,
            "expected {closing} to be {name}, and got {balance}"
        );
    }
    Ok(())
}
