//! Bringing a host's rooms and payouts to where the host stands.
//!
//! Suspensions and reinstatements may follow each other faster than their jobs. So each job looks at the account, does what
//! follows, and looks again: it ends when nothing has changed meanwhile, and whatever changes later has a job of its own.

use domain::payout::PayoutPhase;
use domain::{Payout, RoomCommand, RoomId, UserId};

use super::rooms::{PAGE, rooms_of};
use crate::{Deps, Job, JobContext, JobResult, Outcome};

/// One job for each room that is not over, and for each payout that was asked for and may go now.
pub async fn follow(deps: &Deps, host: UserId, after: Option<RoomId>) -> JobResult {
    let rooms = rooms_of(&deps.pool, host, after).await?;
    let is_full = usize::try_from(PAGE).is_ok_and(|page| rooms.len() >= page);
    let next = rooms.last().copied().filter(|_| is_full);
    let mut jobs: Vec<Job> = rooms
        .into_iter()
        .map(|room| Job::FollowStandingOfRoom { room, host })
        .collect();
    jobs.extend(next.map(|room| Job::FollowStanding {
        host,
        after: Some(room),
    }));
    if after.is_none() {
        let waiting = deps.aggregates.payouts.read(host.as_uuid(), unsent).await?.0;
        jobs.extend(waiting.into_iter().map(|payout| Job::SendPayout { host, payout }));
    }
    Ok(Outcome::Then(jobs))
}

/// None while the host is suspended.
fn unsent(account: &Payout) -> Vec<domain::PayoutId> {
    let payouts = account.payouts().filter(|_| !account.is_suspended());
    let unsent = payouts.filter(|payout| payout.state == PayoutPhase::Requested);
    unsent.map(|payout| payout.payout_id).collect()
}

/// What of an account its rooms follow.
#[derive(PartialEq, Eq)]
struct Wish {
    is_suspended: bool,
    banned: Vec<UserId>,
}

impl Wish {
    fn of(account: &Payout) -> Self {
        Self {
            is_suspended: account.is_suspended(),
            banned: account.banned().collect(),
        }
    }
}

/// Nothing of the room is sold while its host is suspended, and nobody comes in whom the host banned from all rooms.
pub async fn follow_room(deps: &Deps, context: &JobContext, room: RoomId, host: UserId) -> JobResult {
    let accounts = &deps.aggregates.payouts;
    let (wish, _) = accounts.read(host.as_uuid(), Wish::of).await?;
    let at = deps.clock.now();
    let standing = if wish.is_suspended {
        RoomCommand::SuspendSales { at }
    } else {
        RoomCommand::ReinstateSales { at }
    };
    let banned = wish.banned.clone();
    for command in [standing, RoomCommand::FollowBans { banned, at }] {
        let rooms = &deps.aggregates.rooms;
        rooms.execute(room.as_uuid(), command, context.metadata()).await?;
    }
    let (wish_now, _) = accounts.read(host.as_uuid(), Wish::of).await?;
    if wish_now == wish {
        Ok(Outcome::Done)
    } else {
        Ok(Outcome::RetryAt(deps.clock.now()))
    }
}
