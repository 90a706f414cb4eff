//! Reads as of a position, exact to the event: the refund is there, and one event earlier it is not.

use anyhow::{Result, ensure};
use serde_json::Value;

use super::cast::{Cast, Sales};
use super::figures::Figures;
use super::sale::PRICE_MINOR;
use crate::demo::ledger::dollars;
use crate::demo::people::text;
use crate::demo::say;
use crate::output;

const CASH: &str = "cash:provider:sandbox";
const OWED: &str = "clearing:refund";
const BALANCE: &str = "balance_minor";

pub(super) async fn play(cast: &Cast, sales: &Sales, figures: &mut Figures) -> Result<()> {
    let owed = cast.position_of(&sales.cleo, "refund_owed").await?;
    let done = cast.position_of(&sales.cleo, "refund_completed").await?;
    let (mut tickets, mut held) = (vec![], vec![]);
    output::line("  as of                    ticket          owed        cash");
    for (position, expected) in [(owed - 1, 0), (done - 1, PRICE_MINOR), (done, 0)] {
        let (ticket, books) = (ticket(sales, position).await?, cast.books(position).await?);
        let (open, at_provider) = (-books.of(OWED, BALANCE)?, books.of(CASH, BALANCE)?);
        ensure!(
            open == expected,
            "expected {expected} to be owed at {position}, and got {open}"
        );
        output::line(format!(
            "  position {position:<14}  {:<10}{:>10}  {:>10}",
            text(&ticket, "/state")?,
            dollars(open),
            dollars(at_provider)
        ));
        tickets.push(ticket);
        held.push(at_provider);
    }
    let (before, after) = (&tickets[0], &tickets[2]);
    figures.state_before_refund = text(before, "/state")?;
    figures.state_at_refund = text(after, "/state")?;
    ensure!(
        before["state"] == "issued" && before["refunds"].as_array().is_some_and(Vec::is_empty),
        "expected an issued ticket without a refund, and got {before}"
    );
    ensure!(
        after["state"] == "refunded" && after["refunds"][0]["state"] == "done",
        "expected a ticket whose refund is done, and got {after}"
    );
    ensure!(
        held[0] == held[1] && held[1] - held[2] == PRICE_MINOR,
        "expected {PRICE_MINOR} of the cash to leave with the last event, and got {held:?}"
    );
    say("the books and the ticket of any moment, exact to the event");
    Ok(())
}

async fn ticket(sales: &Sales, position: i64) -> Result<Value> {
    let cleo = &sales.cleo;
    let path = cleo.path(&format!("?as_of={position}"));
    cleo.caller
        .get(&path)
        .await?
        .expect(200, "a holder looks at what the ticket was")
}
