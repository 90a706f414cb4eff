//! What maturity makes of events.

use domain::payout::Later;
use domain::{AnyEvent, PayoutEvent, UserId};
use event_log::Recorded;

use crate::{Job, NewJob};

pub fn react(recorded: &Recorded) -> Vec<NewJob> {
    let AnyEvent::Payout(host, event) = &recorded.event else {
        return vec![];
    };
    match event {
        PayoutEvent::EarningCredited(earning) => rings(recorded, *host, [earning.pending, earning.reserved]),
        PayoutEvent::ShareCredited(share) => rings(recorded, *host, [share.pending, share.reserved]),
        // What is pending again has not lost its date.
        PayoutEvent::EarningReleased(_)
        | PayoutEvent::HostApplied { .. }
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
        | PayoutEvent::EarningHeld(_)
        | PayoutEvent::EarningReversed(_)
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

fn rings(recorded: &Recorded, host: UserId, parts: [Option<Later>; 2]) -> Vec<NewJob> {
    let parts = parts.into_iter().flatten();
    let ring = |later: Later| NewJob::at(recorded, Job::MatureEarnings { host }, later.until);
    parts.map(ring).collect()
}
