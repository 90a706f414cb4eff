//! The timer of a room that has to be opened by then.

use domain::room::{JudgeComing, RoomPhase};
use domain::{Room, RoomCommand, RoomId};

use crate::{Deps, JobContext, JobResult, Outcome};

/// The room decides; one that was given another time, or more of it, is asked again then.
pub async fn void_no_show(deps: &Deps, context: &JobContext, room: RoomId) -> JobResult {
    let (now, rooms) = (deps.clock.now(), &deps.aggregates.rooms);
    let awaited = |room: &Room| {
        let facts = room.facts().filter(|_| room.phase() == RoomPhase::Scheduled);
        facts.map(|facts| facts.promise().no_show_at())
    };
    match rooms.read(room.as_uuid(), awaited).await?.0 {
        None => return Ok(Outcome::Done),
        Some(deadline) if deadline > now => return Ok(Outcome::RetryAt(deadline)),
        Some(_) => {}
    }
    let judge = RoomCommand::JudgeComing(Box::new(JudgeComing { seen: None, at: now }));
    rooms.execute(room.as_uuid(), judge, context.metadata()).await?;
    Ok(Outcome::Done)
}
