//! What standing makes of events.

use domain::{AnyEvent, PayoutEvent, RoomEvent};
use event_log::Recorded;

use crate::{Job, NewJob};

pub fn react(recorded: &Recorded) -> Vec<NewJob> {
    match &recorded.event {
        AnyEvent::Room(room, RoomEvent::RoomScheduled(scheduled)) => {
            // The host may have been suspended, or have banned somebody, before or while the room was being scheduled.
            let (room, host) = (*room, scheduled.host);
            vec![NewJob::now(recorded, Job::FollowStandingOfRoom { room, host })]
        }
        AnyEvent::Payout(
            host,
            PayoutEvent::HostSuspended { .. }
            | PayoutEvent::HostReinstated { .. }
            | PayoutEvent::GuestBanned { .. }
            | PayoutEvent::GuestUnbanned { .. },
        ) => {
            let follow = Job::FollowStanding {
                host: *host,
                after: None,
            };
            vec![NewJob::now(recorded, follow)]
        }
        AnyEvent::Room(..) | AnyEvent::Ticket(..) | AnyEvent::Payout(..) | AnyEvent::Shop(..) => vec![],
    }
}
