//! The fourth act: the log as evidence. An outsider checks what leaves the house, finance looks into the past, and an analyst
//! adds up.

mod bundle;
mod cast;
mod commands;
mod explain;
mod figures;
mod past;
mod receipt;
mod sale;
mod show;
#[cfg(feature = "parquet")]
mod table;
mod what_if;

use std::path::Path;

use anyhow::Result;

use super::{act, ledger};
use crate::client::Server;

use cast::Cast;
use commands::Commands;
use figures::Figures;

pub(super) async fn play(server: &Server, python: &Path) -> Result<Figures> {
    let mut figures = Figures::default();
    let mut cast = Cast::gather(server).await?;
    let commands = Commands::new(server)?;
    act("1. A room is sold and played; one buyer had the money back before");
    let sales = sale::play(&mut cast, &mut figures).await?;
    show::play(&cast, &sales, python).await?;
    figures.ledger_imbalance_minor = ledger::trial_balance(&cast.finance).await?;
    act("2. The log leaves the house, and an outsider checks it: no database, no settings, only the bundle");
    bundle::export(&cast, &commands, &mut figures).await?;
    act("3. Somebody changes one byte of a copy");
    bundle::tamper(&cast, &commands, &sales, &mut figures).await?;
    act("4. A buyer keeps a receipt, and so does who came too late; each has the shop's public key");
    receipt::play(&cast, &commands, &sales, &mut figures).await?;
    act("5. Where does this cent come from?");
    explain::play(&cast, &mut figures).await?;
    act("6. The past as it was: one event before the refund, and at it");
    past::play(&cast, &sales, &mut figures).await?;
    act("7. What if the shop had sold by another preset?");
    what_if::play(&commands, &mut figures).await?;
    #[cfg(feature = "parquet")]
    {
        act("8. The log as Parquet files, and the same totals out of them");
        table::play(&cast, &commands, &mut figures).await?;
    }
    act("9. And the log in the database");
    (figures.events, figures.chain) = ledger::verify_log(server, &cast.finance).await?;
    Ok(figures)
}
