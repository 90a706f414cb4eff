//! The room ends, and its host reads who was there.

use anyhow::{Result, ensure};

use super::cast::Cast;
use super::figures::Figures;
use crate::demo::ledger::delivery_report;
use crate::demo::people::{list, number};
use crate::demo::say;
use crate::output;

pub(super) async fn play(cast: &Cast, figures: &mut Figures) -> Result<()> {
    cast.act(&cast.host, "/end")
        .await?
        .expect(200, "the host ends the room")?;
    let report = delivery_report(&cast.host, &cast.room).await?;
    figures.host_heard_ms = number(&report, "/host_heard_ms")?;
    figures.delivered = report["delivered"] == true;
    let stays = list(&report, "/intervals")?;
    figures.stays = stays.len();
    let names = cast.names();
    for (user, name) in &names {
        let own = stays.iter().filter(|stay| stay["user_id"] == **user);
        let (count, audible) = own.fold((0_u32, 0), |(count, audible), stay| {
            (count + 1, audible + stay["audible_ms"].as_i64().unwrap_or_default())
        });
        ensure!(count > 0, "expected a stay of {name} in {report}");
        output::line(format!("  {name:<8} {count} stays, heard for {audible} ms"));
    }
    ensure!(figures.delivered, "expected a delivered room, and got {report}");
    say(format!(
        "delivered: the host's side was heard for {} ms",
        figures.host_heard_ms
    ));
    Ok(())
}
