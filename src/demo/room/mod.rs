//! The first act: one room from schedule to payout.

mod books;
mod cast;
mod figures;
mod sale;
mod show;

use std::path::Path;

use anyhow::Result;

use crate::client::Server;

use cast::Cast;
pub(super) use figures::Figures;

pub(super) async fn play(server: &Server, python: &Path) -> Result<Figures> {
    let mut figures = Figures::default();
    let mut cast = Cast::gather(server).await?;
    sale::play(&mut cast, &mut figures).await?;
    show::play(&mut cast, python, &mut figures).await?;
    books::play(server, &cast, &mut figures).await?;
    Ok(figures)
}
