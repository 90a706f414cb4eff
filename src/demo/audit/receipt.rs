//! A ticket's receipt, checked by somebody who has it and the public key of the shop's log, and nothing else.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::cast::Sales;
use super::commands::Commands;
use super::figures::Figures;
use crate::client::eventually;
use crate::demo::people::number;
use crate::demo::say;
use crate::demo::tickets::ISSUE_LIMIT;

const RECEIPT: &str = "receipt.json";
const FORGED: &str = "forged.json";

pub(super) async fn play(commands: &Commands<'_>, sales: &Sales, figures: &mut Figures) -> Result<()> {
    let ann = &sales.ann;
    // An event is notarised within a second or two.
    let fetched = eventually("a receipt of an issued ticket", ISSUE_LIMIT, || async {
        let answer = ann.caller.get(&ann.path("/receipt")).await?;
        Ok((answer.status == 200).then_some(answer.body))
    });
    let mut receipt = fetched.await?;
    ensure!(
        receipt["entry"]["event_type"] == "ticket_issued",
        "expected the receipt of an issued ticket, and got {receipt}"
    );
    let key = commands.inside(&["notary", "key"]).await?;
    let position = number(&receipt, "/entry/position")?;
    write(commands, RECEIPT, &receipt)?;
    let (holds, said) = verify(commands, RECEIPT, &key).await?;
    let claim = format!("verified: ticket {}", ann.ticket);
    ensure!(
        holds && said.starts_with(&claim) && said.contains(&format!("at position {position}")),
        "expected {claim}, and got {said}"
    );
    figures.receipts_verified += 1;
    say("no server was asked: the receipt leads to a checkpoint that the shop has signed");
    receipt["entry"]["recorded_at"] = Value::from("2020-01-01T00:00:00.000000Z");
    write(commands, FORGED, &receipt)?;
    let (holds, said) = verify(commands, FORGED, &key).await?;
    ensure!(
        !holds && said.starts_with("refused: "),
        "expected a forged receipt to be refused, and got {said}"
    );
    figures.receipts_refused += 1;
    say("the same with another date is refused");
    Ok(())
}

async fn verify(commands: &Commands<'_>, file: &str, key: &str) -> Result<(bool, String)> {
    commands
        .outside(&["receipt", "verify", file, "--key", key.trim()])
        .await
}

fn write(commands: &Commands<'_>, file: &str, receipt: &Value) -> Result<()> {
    let text = serde_json::to_vec_pretty(receipt).context("writing a receipt")?;
    fs::write(commands.folder().join(file), text).with_context(|| format!("writing {file}"))
}
