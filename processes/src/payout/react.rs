//! What payout makes of events.

use domain::{AnyEvent, PayoutEvent};
use event_log::Recorded;

use crate::{Job, NewJob};

pub fn react(recorded: &Recorded) -> Vec<NewJob> {
    let AnyEvent::Payout(host, event) = &recorded.event else {
        return vec![];
    };
    match event {
        PayoutEvent::PayoutRequested { payout_id, .. } => {
            let send = Job::SendPayout {
                host: *host,
                payout: *payout_id,
            };
            vec![NewJob::now(recorded, send)]
        }
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
        | PayoutEvent::EarningCredited(_)
        | PayoutEvent::ShareCredited(_)
        | PayoutEvent::EarningHeld(_)
        | PayoutEvent::EarningReleased(_)
        | PayoutEvent::EarningReversed(_)
        | PayoutEvent::PayoutSent { .. }
        | PayoutEvent::PayoutPaid { .. }
        | PayoutEvent::PayoutFailed { .. }
        | PayoutEvent::PayoutReturned { .. }
        | PayoutEvent::EarningsMatured { .. }
        | PayoutEvent::ReserveReleased { .. }
        | PayoutEvent::ReceivableNetted { .. } => vec![],
    }
}
