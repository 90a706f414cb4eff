//! What sharing makes of events.

use domain::payout::{CoHostPart, EarningCredited};
use domain::{AnyEvent, PayoutEvent, TicketId, UserId};
use event_log::Recorded;

use crate::job::CreditShare;
use crate::{Job, NewJob};

pub fn react(recorded: &Recorded) -> Vec<NewJob> {
    let AnyEvent::Payout(host, event) = &recorded.event else {
        return vec![];
    };
    match event {
        PayoutEvent::EarningCredited(earning) => credit(recorded, *host, earning),
        PayoutEvent::EarningHeld(held) | PayoutEvent::EarningReleased(held) => {
            follow(recorded, *host, held.ticket_id, &held.dispute, &held.co_hosts)
        }
        PayoutEvent::EarningReversed(reversed) => follow(
            recorded,
            *host,
            reversed.ticket_id,
            &reversed.dispute,
            &reversed.co_hosts,
        ),
        PayoutEvent::HostApplied { .. }
        | PayoutEvent::HostApproved { .. }
        | PayoutEvent::HostWaitlisted(_)
        | PayoutEvent::HostDeclined(_)
        | PayoutEvent::HostSuspended { .. }
        | PayoutEvent::GuestBanned { .. }
        | PayoutEvent::GuestUnbanned { .. }
        | PayoutEvent::HostReinstated { .. }
        | PayoutEvent::FactsStated { .. }
        | PayoutEvent::TermsAccepted { .. }
        | PayoutEvent::DestinationLinked { .. }
        | PayoutEvent::PayoutScheduleChosen { .. }
        | PayoutEvent::PayoutRolledOver { .. }
        | PayoutEvent::ShareCredited(_)
        | PayoutEvent::EarningsMatured { .. }
        | PayoutEvent::ReserveReleased { .. }
        | PayoutEvent::ReceivableNetted { .. }
        | PayoutEvent::PayoutRequested { .. }
        | PayoutEvent::PayoutSent { .. }
        | PayoutEvent::PayoutPaid { .. }
        | PayoutEvent::PayoutFailed { .. }
        | PayoutEvent::PayoutReturned { .. } => vec![],
    }
}

fn credit(recorded: &Recorded, host: UserId, earning: &EarningCredited) -> Vec<NewJob> {
    let share = |part: &CoHostPart| CreditShare {
        ticket: earning.ticket_id,
        room: earning.room_id,
        host,
        user: part.user,
        share: part.amount,
    };
    let shares = earning.co_hosts.iter().map(share);
    shares
        .map(|share| NewJob::now(recorded, Job::CreditShare(share)))
        .collect()
}

fn follow(recorded: &Recorded, host: UserId, ticket: TicketId, dispute: &str, parts: &[CoHostPart]) -> Vec<NewJob> {
    let follow = |part: &CoHostPart| Job::FollowShare {
        host,
        ticket,
        dispute: dispute.to_owned(),
        user: part.user,
    };
    parts.iter().map(|part| NewJob::now(recorded, follow(part))).collect()
}
