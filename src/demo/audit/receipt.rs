//! Receipts of a ticket and of a refusal, checked by somebody who has them and the public key of the shop's log, and nothing else.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::cast::{Cast, Sales};
use super::commands::Commands;
use super::figures::Figures;
use crate::client::{Caller, eventually};
use crate::demo::people::{number, text};
use crate::demo::say;
use crate::demo::tickets::ISSUE_LIMIT;

const RECEIPT: &str = "receipt.json";
const REFUSAL: &str = "refusal.json";
const FORGED: &str = "forged.json";

pub(super) async fn play(cast: &Cast, commands: &Commands<'_>, sales: &Sales, figures: &mut Figures) -> Result<()> {
    let key = commands.inside(&["notary", "key"]).await?;
    let checker = Checker {
        commands,
        key: key.trim(),
    };
    of_a_ticket(sales, &checker, figures).await?;
    of_a_refusal(cast, sales, &checker, figures).await
}

/// Whoever has a receipt and the key, and nothing else.
struct Checker<'a> {
    commands: &'a Commands<'a>,
    key: &'a str,
}

async fn of_a_ticket(sales: &Sales, checker: &Checker<'_>, figures: &mut Figures) -> Result<()> {
    let ann = &sales.ann;
    let mut receipt = fetch(&ann.caller, &ann.path("/receipt")).await?;
    ensure!(
        receipt["entry"]["event_type"] == "ticket_issued",
        "expected the receipt of an issued ticket, and got {receipt}"
    );
    let position = number(&receipt, "/entry/position")?;
    let claim = format!("verified: ticket {}", ann.ticket);
    let said = checker.holds(RECEIPT, &receipt, &claim, figures).await?;
    ensure!(said.contains(&format!("at position {position}")), "{said}");
    say("no server was asked: the receipt leads to a checkpoint that the shop has signed");
    receipt["entry"]["recorded_at"] = Value::from("2020-01-01T00:00:00.000000Z");
    checker.refuses(&receipt, figures).await?;
    say("the same with another date is refused");
    Ok(())
}

/// Who was refused a seat holds the shop to what it said, without seeing the others' sales.
async fn of_a_refusal(cast: &Cast, sales: &Sales, checker: &Checker<'_>, figures: &mut Figures) -> Result<()> {
    let path = cast.room_path(&format!("/refusals/{}", sales.refused_at));
    let mut receipt = fetch(&cast.dan, &path).await?;
    let claim = format!("verified: room {} was sold out: seats 3 held 0 sold 3", cast.room);
    checker.holds(REFUSAL, &receipt, &claim, figures).await?;
    say("who came too late can prove that there was no seat");
    let statement = text(&receipt, "/subject/statement")?.replace("sold 3", "sold 2");
    receipt["subject"]["statement"] = Value::from(statement);
    checker.refuses(&receipt, figures).await?;
    say("the same with a seat less sold is refused");
    Ok(())
}

/// An event is notarised within a second or two.
async fn fetch(caller: &Caller, path: &str) -> Result<Value> {
    let fetched = eventually("a receipt", ISSUE_LIMIT, || async {
        let answer = caller.get(path).await?;
        Ok((answer.status == 200).then_some(answer.body))
    });
    fetched.await
}

impl Checker<'_> {
    async fn holds(&self, file: &str, receipt: &Value, claim: &str, figures: &mut Figures) -> Result<String> {
        let (holds, said) = self.verify(file, receipt).await?;
        ensure!(holds && said.starts_with(claim), "expected {claim}, and got {said}");
        figures.receipts_verified += 1;
        Ok(said)
    }

    async fn refuses(&self, receipt: &Value, figures: &mut Figures) -> Result<()> {
        let (holds, said) = self.verify(FORGED, receipt).await?;
        ensure!(
            !holds && said.starts_with("refused: "),
            "expected a forged receipt to be refused, and got {said}"
        );
        figures.receipts_refused += 1;
        Ok(())
    }

    async fn verify(&self, file: &str, receipt: &Value) -> Result<(bool, String)> {
        let content = serde_json::to_vec_pretty(receipt).context("writing a receipt")?;
        let path = self.commands.folder().join(file);
        fs::write(path, content).with_context(|| format!("writing {file}"))?;
        let arguments = ["receipt", "verify", file, "--key", self.key];
        self.commands.outside(&arguments).await
    }
}
