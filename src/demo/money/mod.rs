//! The second act: what can happen to the money of a room that two people share.

mod cast;
mod dispute;
mod earning;
mod figures;
mod night;
mod opening;
mod partial_refund;
mod payouts;
mod reschedule;
mod rules;
mod show;
mod statement;
mod waiting_list;

use std::path::Path;

use anyhow::Result;

use super::{act, ledger};
use crate::client::Server;

use cast::Cast;
use figures::Figures;
pub(super) use rules::rules;

pub(super) async fn play(server: &mut Server, python: &Path) -> Result<Figures> {
    let mut figures = Figures::default();
    let mut cast = Cast::gather(server).await?;
    act("1. A room for two: the host and a co-host share what it earns");
    opening::play(&mut cast, &mut figures).await?;
    act("2. Sold out, and a seat comes back: the waiting list");
    let first = waiting_list::play(&cast, &mut figures).await?;
    act("3. Another time, which one of them declines");
    let sales = reschedule::play(&cast, first, &mut figures).await?;
    act("4. The host gives a part of a price back");
    partial_refund::play(&cast, &sales.ann, &mut figures).await?;
    act("5. The room is played");
    show::play(&cast, &sales, python).await?;
    act("6. What is earned, across the line of the platform's fee, and shared");
    let earned = earning::play(&cast, &mut figures).await?;
    act("7. A dispute, lost");
    dispute::play(&cast, &sales.ben, &earned, &mut figures).await?;
    act("8. A payout that fails, and is asked for again");
    payouts::play(&cast, &mut figures).await?;
    act("9. The month's statement");
    statement::play(&cast, &mut figures).await?;
    act("10. The night: the provider's statement is compared, and the day is sealed");
    night::play(server, &mut cast, &mut figures).await?;
    act("11. The books");
    figures.ledger_imbalance_minor = ledger::trial_balance(&cast.finance).await?;
    (figures.events, figures.chain) = ledger::verify_log(server, &cast.finance).await?;
    Ok(figures)
}
