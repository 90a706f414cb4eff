//! Which jobs need not be stored, because what they would do is done.
//!
//! Jobs are made somewhat behind the log. By then most purchases are through, carried on by whoever recorded the capture
//! (`checkout::head_start`). A job is left out only if it would do nothing were it run now, on state that is durable, and
//! would do nothing later either:
//!
//! - `SellSeat`: the ticket awaits no seat. Another capture is another event, with a job of its own.
//! - `IssueTicket`: the ticket is issued, has no open payments, and its room is neither cancelled nor judged. If it is
//!   later, that goes through the room's sold seats and finds this one.
//! - `CheckPayment`: the payment is over; or the provider knows it, and the seat is still there. If the seat is released
//!   later, that calls off the ticket's payments and finds this one.
//! - `FollowStandingOfRoom`: the host is not suspended and bans nobody from all rooms. If they are or do later, that goes
//!   through their rooms, and this one was remembered with the page.
//!
//! What cannot be looked at is needed.

use std::collections::HashMap;
use std::time::Duration;

use chrono::TimeDelta;
use domain::{Payout, Room, RoomId, Ticket, TicketId, Timestamp, UserId};
use futures::{StreamExt, stream};

use crate::checkout::{self, Check};
use crate::{Deps, Job, NewJob};

/// Events older than this are not worth a look: their tickets are no longer in memory, and storing a job costs less than
/// loading one. So it is after a restart.
const FRESH: TimeDelta = TimeDelta::seconds(10);
/// Looks at once. Nearly all find the ticket in memory.
const CONCURRENCY: usize = 32;
/// For all looks together: they happen in the subscriber's transaction, which must not stand still for long. What takes
/// longer is stored unseen.
const LOOKS_LIMIT: Duration = Duration::from_secs(2);

/// What is left of a job after a look at its ticket.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    Done,
    Needed,
    /// Done, if the ticket's room is as before: whether it still has the ticket's seat,
    UnlessSeatGone(RoomId, TicketId),
    /// or whether something follows for all of its tickets.
    UnlessRoomOver(RoomId),
    /// Done, if the account of the host of a new room has nothing for it to follow.
    IfFollowed(UserId),
}

/// The jobs that are still to be done, in their order.
pub(crate) async fn still_needed(deps: &Deps, recorded_at: Timestamp, new: Vec<NewJob>) -> Vec<NewJob> {
    let is_fresh = deps.clock.now().signed_duration_since(recorded_at) < FRESH;
    if !is_fresh || new.is_empty() {
        return new;
    }
    let looks = async {
        let looks = look_at_rooms(deps, look_at_tickets(deps, &new).await).await;
        look_at_hosts(deps, looks).await
    };
    let Ok(looks) = tokio::time::timeout(LOOKS_LIMIT, looks).await else {
        return new;
    };
    let looked_at = new.into_iter().zip(looks);
    looked_at
        .filter_map(|(job, look)| (look == Look::Needed).then_some(job))
        .collect()
}

async fn look_at_tickets(deps: &Deps, new: &[NewJob]) -> Vec<Look> {
    let mut by_ticket: HashMap<TicketId, Vec<usize>> = HashMap::new();
    for (index, job) in new.iter().enumerate() {
        if let Some(ticket) = ticket_of(&job.job) {
            by_ticket.entry(ticket).or_default().push(index);
        }
    }
    let look = |(ticket, indices): (TicketId, Vec<usize>)| async move {
        let jobs: Vec<&Job> = indices.iter().map(|index| &new[*index].job).collect();
        let look = move |state: &Ticket| jobs.iter().map(|job| look_at_ticket(state, job)).collect::<Vec<_>>();
        let looks = deps.aggregates.tickets.read(ticket.as_uuid(), look).await;
        (indices, looks.ok().map(|(looks, _)| looks))
    };
    let mut found = stream::iter(by_ticket).map(look).buffer_unordered(CONCURRENCY);
    let mut all: Vec<Look> = new.iter().map(|new| look_at_first(&new.job)).collect();
    while let Some((indices, looks)) = found.next().await {
        for (index, look) in indices.into_iter().zip(looks.unwrap_or_default()) {
            all[index] = look;
        }
    }
    all
}

/// What of a job is known without a ticket.
const fn look_at_first(job: &Job) -> Look {
    if let Job::FollowStandingOfRoom { host, .. } = job {
        return Look::IfFollowed(*host);
    }
    Look::Needed
}

/// The ticket that tells whether the job is needed.
const fn ticket_of(job: &Job) -> Option<TicketId> {
    match job {
        Job::CheckPayment { ticket, .. } | Job::SellSeat { ticket } | Job::IssueTicket { ticket, .. } => Some(*ticket),
        Job::RefundSeatGone { .. }
        | Job::CancelIntents { .. }
        | Job::LapseHolds { .. }
        | Job::ReleaseLapsed { .. }
        | Job::LapseTicket { .. }
        | Job::SendRefund { .. }
        | Job::ReleaseRefundedSeat { .. }
        | Job::FollowHolder { .. }
        | Job::RefundRoom { .. }
        | Job::OweRefund { .. }
        | Job::SettleRoom { .. }
        | Job::SettleTicket { .. }
        | Job::VoidNoShow { .. }
        | Job::CreditEarning(_)
        | Job::CreditShare(_)
        | Job::FollowShare { .. }
        | Job::MatureEarnings { .. }
        | Job::PayMonth { .. }
        | Job::SendPayout { .. }
        | Job::FollowStanding { .. }
        | Job::FollowStandingOfRoom { .. }
        | Job::FollowDispute { .. }
        | Job::RemindHolders { .. }
        | Job::NotifyHolders { .. }
        | Job::SendMail(_)
        | Job::ForgetPerson { .. } => None,
    }
}

fn look_at_ticket(state: &Ticket, job: &Job) -> Look {
    match job {
        Job::SellSeat { .. } if checkout::awaiting_seat(state).is_none() => Look::Done,
        Job::IssueTicket { room, .. } if checkout::is_issued_and_settled(state) => Look::UnlessRoomOver(*room),
        Job::CheckPayment { ticket, payment } => match checkout::check(state, *payment) {
            Check::NothingToDo => Look::Done,
            Check::DependsOnSeat => state
                .sale()
                .map_or(Look::Needed, |sale| Look::UnlessSeatGone(sale.room_id, *ticket)),
            Check::Needed => Look::Needed,
        },
        Job::SellSeat { .. }
        | Job::IssueTicket { .. }
        | Job::RefundSeatGone { .. }
        | Job::CancelIntents { .. }
        | Job::LapseHolds { .. }
        | Job::ReleaseLapsed { .. }
        | Job::LapseTicket { .. }
        | Job::SendRefund { .. }
        | Job::ReleaseRefundedSeat { .. }
        | Job::FollowHolder { .. }
        | Job::RefundRoom { .. }
        | Job::OweRefund { .. }
        | Job::SettleRoom { .. }
        | Job::SettleTicket { .. }
        | Job::VoidNoShow { .. }
        | Job::CreditEarning(_)
        | Job::CreditShare(_)
        | Job::FollowShare { .. }
        | Job::MatureEarnings { .. }
        | Job::PayMonth { .. }
        | Job::SendPayout { .. }
        | Job::FollowStanding { .. }
        | Job::FollowStandingOfRoom { .. }
        | Job::FollowDispute { .. }
        | Job::RemindHolders { .. }
        | Job::NotifyHolders { .. }
        | Job::SendMail(_)
        | Job::ForgetPerson { .. } => Look::Needed,
    }
}

/// One look at each room, for all its tickets. After the tickets: what follows from a room's change later than that goes
/// through its tickets again.
async fn look_at_rooms(deps: &Deps, mut looks: Vec<Look>) -> Vec<Look> {
    let mut by_room: HashMap<RoomId, Vec<usize>> = HashMap::new();
    for (index, look) in looks.iter().enumerate() {
        if let Look::UnlessSeatGone(room, _) | Look::UnlessRoomOver(room) = look {
            by_room.entry(*room).or_default().push(index);
        }
    }
    for (room, indices) in by_room {
        let asked: Vec<Look> = indices.iter().map(|index| looks[*index]).collect();
        let look = move |state: &Room| asked.iter().map(|look| look_at_room(state, *look)).collect::<Vec<_>>();
        let answers = deps.aggregates.rooms.read(room.as_uuid(), look).await;
        let answers = answers.map_or_else(|_| vec![Look::Needed; indices.len()], |(answers, _)| answers);
        for (index, answer) in indices.into_iter().zip(answers) {
            looks[index] = answer;
        }
    }
    looks
}

fn look_at_room(state: &Room, look: Look) -> Look {
    let is_done = match look {
        Look::Done => true,
        Look::Needed | Look::IfFollowed(_) => false,
        Look::UnlessSeatGone(_, ticket) => checkout::has_seat(state, ticket),
        Look::UnlessRoomOver(_) => checkout::leaves_tickets_alone(state),
    };
    if is_done { Look::Done } else { Look::Needed }
}

/// Whether there is anything for the rooms of this account to follow.
fn has_word(account: &Payout) -> bool {
    account.is_suspended() || account.banned().next().is_some()
}

async fn look_at_hosts(deps: &Deps, mut looks: Vec<Look>) -> Vec<Look> {
    let mut by_host: HashMap<UserId, Vec<usize>> = HashMap::new();
    for (index, look) in looks.iter().enumerate() {
        if let Look::IfFollowed(host) = look {
            by_host.entry(*host).or_default().push(index);
        }
    }
    for (host, indices) in by_host {
        let account = deps.aggregates.payouts.read(host.as_uuid(), has_word).await;
        let is_done = account.is_ok_and(|(has_word, _)| !has_word);
        for index in indices {
            looks[index] = if is_done { Look::Done } else { Look::Needed };
        }
    }
    looks
}
