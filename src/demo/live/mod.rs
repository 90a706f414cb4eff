//! The third act: an evening in a live room, with a co-host, and with what goes wrong in rooms.

mod cast;
mod doors;
mod figures;
mod opening;
mod recording;
mod report;
mod restart;
mod stage;

use std::path::Path;

use anyhow::Result;

use super::act;
use crate::client::Server;

use cast::Cast;
use figures::Figures;

pub(super) async fn play(server: &Server, python: &Path) -> Result<Figures> {
    let mut figures = Figures::default();
    act("1. A room with a co-host, who needs no ticket");
    let cast = Cast::gather(server, python).await?;
    let doors = opening::play(&cast).await?;
    figures.inside = cast.everybody().count();
    act("2. A listener asks to speak, and the co-host lets her");
    stage::speak(&cast, &mut figures).await?;
    act("3. She is muted, and takes the word back herself");
    stage::mute(&cast, &mut figures).await?;
    act("4. The evening is recorded");
    recording::start(&cast).await?;
    act("5. Another device takes a ticket over");
    doors::take_over(&cast, &doors["ben"]).await?;
    figures.taken_over = 1;
    act("6. Somebody is banned");
    doors::ban(&cast, &doors["cleo"], &mut figures).await?;
    act("7. The media server is killed");
    restart::play(server, &cast, &mut figures).await?;
    recording::goes_on(&cast).await?;
    act("8. The end, who was there, and what was recorded");
    report::play(&cast, &mut figures).await?;
    recording::fetch(&cast, &mut figures).await?;
    Ok(figures)
}
