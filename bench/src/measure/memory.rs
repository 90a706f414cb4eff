//! What the server needs of the machine's memory.

use anyhow::{Result, ensure};

use super::http::{BUYERS, CONNECTIONS, seed};
use super::{Bench, Outcome};
use crate::harness::{Rounds, Row, Sample};
use crate::world::{Kind, Script, Shop, Wrk};

const ROOMS: u64 = 10_000;
const MORE_ROOMS: u64 = 60_000;

/// Idle; with 10,000 rooms in memory; and after more rooms than it keeps.
pub(super) async fn memory(bench: &Bench) -> Result<Outcome> {
    let database = bench.cluster.fresh(Kind::Boxoffice).await?;
    seed(&database, MORE_ROOMS, 1_000, 0).await?;
    let shop = Shop::ours(&bench.folder, &database, &[]).await?;
    let idle = shop.memory_mb()?;
    let mut rows = vec![row("memory of the server, idle", idle).note(format!(
        "Just started on a log of {MORE_ROOMS} rooms, views and processes following it."
    ))];
    for (rooms, name, note) in [
        (
            ROOMS,
            "memory of the server, 10,000 rooms hot",
            "Three holds in each room.",
        ),
        (
            MORE_ROOMS,
            "memory of the server, 60,000 rooms used",
            "Three holds in each room: more rooms than it keeps, so that it evicts.",
        ),
    ] {
        let script = Script::holds(&bench.folder, BUYERS, rooms)?;
        let wrk = Wrk {
            quota: Some(usize::try_from(rooms * 3)?),
            ..Wrk::new(shop.url(), &script, CONNECTIONS, bench.measured() * 20)
        };
        let report = wrk.run().await?;
        ensure!(
            report.status(201) == usize::try_from(rooms * 3)?,
            "not every hold was made: {report:?}"
        );
        rows.push(row(name, shop.memory_mb()?).note(note));
    }
    shop.stop().await?;
    bench.cluster.discard(database).await?;
    Ok(rows.into())
}

fn row(name: &str, megabytes: u32) -> Row {
    Row::new(
        name,
        "MB resident",
        &Rounds::single(Sample::plain(f64::from(megabytes))),
        &[],
    )
}
