//! The shop's books as finance sees them: the trial balance, and the chain of the log.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::people::{list, number, text};
use crate::client::{Caller, Server, eventually};
use crate::output;

/// Evidence, settlement and payout follow each other by themselves.
pub(super) const BOOKS_LIMIT: Duration = Duration::from_secs(20);

/// 1.05 for 105 cents: the acts are played in dollars.
pub(super) fn dollars(minor: i64) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    let minor = minor.abs();
    format!("{sign}{}.{:02}", minor / 100, minor % 100)
}

/// Prints the trial balance when nothing is on its way any more, and answers with what is out of balance over all currencies.
pub(super) async fn trial_balance(finance: &Caller) -> Result<i64> {
    let body = eventually("clearing and unearned accounts at zero", BOOKS_LIMIT, || async {
        let body = finance
            .get("/v1/ledger/trial_balance")
            .await?
            .expect(200, "finance reads the trial balance")?;
        let must_be_zero =
            |account: &str| account.starts_with("clearing:") || account.starts_with("liability:unearned:");
        let open = list(&body, "/data")?
            .iter()
            .any(|line| must_be_zero(line["account"].as_str().unwrap_or_default()) && line["balance_minor"] != 0);
        Ok((!open).then_some(body))
    });
    let body = body.await?;
    output::line("Trial balance (debit, credit, balance; minor units):");
    let mut sums: BTreeMap<String, i64> = BTreeMap::new();
    for line in list(&body, "/data")? {
        let (debit, credit) = (number(line, "/debit_minor")?, number(line, "/credit_minor")?);
        let balance = number(line, "/balance_minor")?;
        ensure!(
            debit - credit == balance,
            "expected debit less credit to be the balance, and got {line}"
        );
        *sums.entry(text(line, "/currency")?).or_default() += balance;
        output::line(format!(
            "  {:<72} {debit:>8} {credit:>8} {balance:>8}",
            text(line, "/account")?
        ));
    }
    ensure!(
        sums.values().all(|sum| *sum == 0),
        "expected a trial balance of zero in each currency, and got {sums:?}"
    );
    Ok(sums.values().map(|sum| sum.abs()).sum())
}

/// How many events the log has, and what `log verify` says of their chain.
pub(super) async fn verify_log(server: &Server, finance: &Caller) -> Result<(u64, String)> {
    let head = finance
        .get("/v1/log/head")
        .await?
        .expect(200, "finance reads the log's head")?;
    let verdict = server.command(&["log", "verify"]).await?;
    output::line(format!("boxoffice log verify: {}", verdict.trim()));
    ensure!(
        verdict.contains("verified"),
        "expected a verified log, and got {verdict}"
    );
    let events = u64::try_from(number(&head, "/position")?).context("reading the log's head")?;
    Ok((events, "verified".to_owned()))
}

/// Whether a room that ended was delivered, as soon as the evidence was judged.
pub(super) async fn delivery_report(host: &Caller, room: &str) -> Result<Value> {
    let path = format!("/v1/rooms/{room}/attendance");
    eventually("a delivery report of the ended room", BOOKS_LIMIT, || async {
        let report = host.get(&path).await?.expect(200, "the host looks at the attendance")?;
        Ok(report["delivered"].is_boolean().then_some(report))
    })
    .await
}
