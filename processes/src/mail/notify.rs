//! One letter for everybody who has a ticket of a room.

use std::collections::BTreeMap;

use domain::{Room, RoomId, TicketId, Timestamp, UserId};

use super::{Mail, Notice};
use crate::{Deps, Job, JobResult, Outcome};

pub async fn notify_holders(deps: &Deps, room: RoomId, notice: Notice) -> JobResult {
    let (holders, _) = deps.aggregates.rooms.read(room.as_uuid(), holders).await?;
    Ok(letters(room, notice, holders, deps.clock.now()))
}

/// Who has a sold seat, each once.
pub(super) fn holders(room: &Room) -> BTreeMap<UserId, TicketId> {
    room.sold().map(|(ticket, holder)| (holder, ticket)).collect()
}

pub(super) fn letters(room: RoomId, notice: Notice, holders: BTreeMap<UserId, TicketId>, at: Timestamp) -> Outcome {
    let write = |(to, ticket)| {
        Job::SendMail(Mail::Room {
            notice,
            room,
            ticket,
            to,
            at,
        })
    };
    Outcome::Then(holders.into_iter().map(write).collect())
}
