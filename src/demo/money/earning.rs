//! Four sales become earnings one after the other, and bring the host across the line: the one that crosses it is split there.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::cast::Cast;
use super::figures::Figures;
use super::opening::{CO_HOST_POINTS, SEATS};
use super::rules::{FEE_ABOVE, FEE_BELOW, LINE_MINOR};
use crate::client::{Caller, eventually};
use crate::demo::ledger::{BOOKS_LIMIT, dollars};
use crate::demo::people::{list, number, text};
use crate::demo::say;
use crate::output;

const ALL_POINTS: i64 = 10_000;

/// A sale as the host's statement has it.
pub(super) struct Earned {
    pub(super) ticket: String,
    pub(super) gross: i64,
    provider_fee: i64,
    platform_fee: i64,
    /// The host's own part.
    pub(super) host: i64,
    pub(super) co_host: i64,
}

pub(super) async fn play(cast: &Cast, figures: &mut Figures) -> Result<Vec<Earned>> {
    let earned: Vec<Earned> = lines(&cast.host, "earning")
        .await?
        .iter()
        .map(read)
        .collect::<Result<_>>()?;
    output::line("  sale     gross  provider  platform  shared    host  co-host  had before");
    let mut had = 0;
    for (number, sale) in earned.iter().enumerate() {
        check_fee(sale, had, figures)?;
        output::line(format!(
            "  {:>4}  {:>8}  {:>8}  {:>8}  {:>6}  {:>6}  {:>7}  {:>10}",
            number + 1,
            dollars(sale.gross),
            dollars(sale.provider_fee),
            dollars(sale.platform_fee),
            dollars(sale.shared()),
            dollars(sale.host),
            dollars(sale.co_host),
            dollars(had)
        ));
        had += sale.shared();
        figures.gross_minor += sale.gross;
        figures.provider_fees_minor += sale.provider_fee;
        figures.platform_fees_minor += sale.platform_fee;
        figures.host_share_minor += sale.host;
        figures.co_host_share_minor += sale.co_host;
    }
    let expected = figures.captured_minor - figures.refunded_minor;
    ensure!(
        figures.gross_minor == expected,
        "expected {expected} earned (captured less refunded), and got {}",
        figures.gross_minor
    );
    ensure!(
        figures.sales_split_at_line == 1 && figures.sales_below_line > 0 && figures.sales_above_line > 0,
        "expected sales below the line, one across it and one above, and got {figures:?}"
    );
    say(format!(
        "the platform takes {} % until the host has had {}, then {} %; one sale crossed that line and was split at it",
        FEE_BELOW / 100,
        dollars(LINE_MINOR),
        FEE_ABOVE / 100
    ));
    shared(cast, &earned).await?;
    Ok(earned)
}

impl Earned {
    fn shared(&self) -> i64 {
        self.host + self.co_host
    }
}

/// The lines of one kind on somebody's statement, when there is one for every seat.
async fn lines(who: &Caller, kind: &str) -> Result<Vec<Value>> {
    eventually("every delivered sale on the statement", BOOKS_LIMIT, || async {
        let body = who
            .get("/v1/me/statements")
            .await?
            .expect(200, "somebody reads their statement")?;
        let lines: Vec<Value> = list(&body, "/data")?
            .iter()
            .filter(|line| line["kind"] == kind)
            .cloned()
            .collect();
        Ok((u64::try_from(lines.len())? == SEATS).then_some(lines))
    })
    .await
}

fn read(line: &Value) -> Result<Earned> {
    let minor = |field: &str| number(line, &format!("/{field}/amount_minor"));
    let earned = Earned {
        ticket: text(line, "/ticket_id")?,
        gross: minor("gross")?,
        provider_fee: minor("provider_fee")?,
        platform_fee: minor("platform_fee")?,
        host: minor("net")?,
        co_host: minor("co_hosts")?,
    };
    ensure!(
        earned.gross == earned.provider_fee + earned.platform_fee + earned.shared(),
        "expected the parts of a sale to add up, and got {line}"
    );
    Ok(earned)
}

/// What the platform's fee must be, worked out once more: the part of the price that fills the host's lifetime share up to
/// the line, and the rest.
fn check_fee(sale: &Earned, had: i64, figures: &mut Figures) -> Result<()> {
    let of = |amount: i64, points: i64| amount * points / ALL_POINTS;
    let would_have = sale.gross - sale.provider_fee - of(sale.gross, FEE_BELOW);
    let (expected, place) = if had + would_have <= LINE_MINOR {
        (of(sale.gross, FEE_BELOW), &mut figures.sales_below_line)
    } else if had >= LINE_MINOR {
        (of(sale.gross, FEE_ABOVE), &mut figures.sales_above_line)
    } else {
        let below = sale.gross * (LINE_MINOR - had) / would_have;
        let fee = of(below, FEE_BELOW) + of(sale.gross - below, FEE_ABOVE);
        (fee, &mut figures.sales_split_at_line)
    };
    *place += 1;
    ensure!(
        sale.platform_fee == expected,
        "expected a platform fee of {expected} after {had}, and got {}",
        sale.platform_fee
    );
    Ok(())
}

/// The co-host's account has the same parts, to the cent.
async fn shared(cast: &Cast, earned: &[Earned]) -> Result<()> {
    let shares = lines(&cast.co_host, "share").await?;
    let mut sum = 0;
    for sale in earned {
        let line = shares.iter().find(|line| line["ticket_id"] == sale.ticket.as_str());
        let line = line.with_context(|| format!("expected a share of {} on the co-host's statement", sale.ticket))?;
        let net = number(line, "/net/amount_minor")?;
        let is_fair = (net * ALL_POINTS - sale.shared() * CO_HOST_POINTS).abs() < ALL_POINTS;
        ensure!(
            net == sale.co_host && is_fair,
            "expected {CO_HOST_POINTS} basis points of {}, and got {line}",
            sale.shared()
        );
        sum += net;
    }
    say(format!(
        "the co-host's own account has {}, the same to the cent",
        dollars(sum)
    ));
    Ok(())
}
