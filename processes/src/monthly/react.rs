//! What monthly payouts make of events.

use domain::payout::PayoutSchedule;
use domain::{AnyEvent, PayoutEvent};
use event_log::Recorded;

use super::next_month;
use crate::{Job, NewJob, ProcessSettings};

pub fn react(recorded: &Recorded, settings: &ProcessSettings) -> Vec<NewJob> {
    let AnyEvent::Payout(host, event) = &recorded.event else {
        return vec![];
    };
    let is_to_ring = match event {
        PayoutEvent::PayoutScheduleChosen { schedule, .. } => *schedule == PayoutSchedule::Monthly,
        // Who did not choose is paid as the shop pays, from the first earning on.
        PayoutEvent::EarningCredited(_) | PayoutEvent::ShareCredited(_) => {
            settings.payouts.schedule == PayoutSchedule::Monthly
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
        | PayoutEvent::EarningHeld(_)
        | PayoutEvent::EarningReleased(_)
        | PayoutEvent::EarningReversed(_)
        | PayoutEvent::EarningsMatured { .. }
        | PayoutEvent::ReserveReleased { .. }
        | PayoutEvent::ReceivableNetted { .. }
        | PayoutEvent::PayoutRolledOver { .. }
        | PayoutEvent::PayoutRequested { .. }
        | PayoutEvent::PayoutSent { .. }
        | PayoutEvent::PayoutPaid { .. }
        | PayoutEvent::PayoutFailed { .. }
        | PayoutEvent::PayoutReturned { .. } => false,
    };
    let ring = || {
        NewJob::at(
            recorded,
            Job::PayMonth { host: *host },
            next_month(recorded.recorded_at),
        )
    };
    is_to_ring.then(ring).into_iter().collect()
}
