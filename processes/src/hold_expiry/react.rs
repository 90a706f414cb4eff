//! What hold expiry makes of events.

use domain::room::ReleaseReason;
use domain::{AnyEvent, RoomEvent};
use event_log::Recorded;

use crate::{Job, NewJob};

pub fn react(recorded: &Recorded) -> Vec<NewJob> {
    match &recorded.event {
        AnyEvent::Room(room, event) => match event {
            RoomEvent::SeatHeld(held) => {
                vec![NewJob::at(recorded, Job::LapseHolds { room: *room }, held.expires_at)]
            }
            // Who paid too late waits no longer than this.
            RoomEvent::SeatAwaited { until, .. } => {
                vec![NewJob::at(recorded, Job::LapseHolds { room: *room }, *until)]
            }
            // There may be seats for those who wait, now or when the sales open.
            RoomEvent::RoomRevised(_)
            | RoomEvent::SalesResumed { .. }
            | RoomEvent::SalesReinstated { .. }
            | RoomEvent::SharesProposed { .. }
            | RoomEvent::ShareAgreed { .. } => {
                let look = Job::LapseHolds { room: *room };
                vec![NewJob::at(recorded, look, recorded.recorded_at)]
            }
            RoomEvent::SeatReleased(released) => match released.reason {
                // Nobody paid in time, or may pay any more.
                ReleaseReason::Lapsed
                | ReleaseReason::GivenBack
                | ReleaseReason::RoomCancelled
                | ReleaseReason::Removed => {
                    let ticket = released.ticket_id;
                    vec![NewJob::now(recorded, Job::LapseTicket { ticket })]
                }
                ReleaseReason::Refunded => vec![],
            },
            RoomEvent::RoomScheduled(_)
            | RoomEvent::SeatSold(_)
            | RoomEvent::SalesPaused { .. }
            | RoomEvent::SalesSuspended { .. }
            | RoomEvent::SeatTransferred { .. }
            | RoomEvent::RoomRescheduled(_)
            | RoomEvent::SeatDenied { .. }
            | RoomEvent::RoomOpened { .. }
            | RoomEvent::RoomEnded { .. }
            | RoomEvent::RoomCancelled { .. }
            | RoomEvent::SpeakRequested { .. }
            | RoomEvent::SpeakRequestWithdrawn { .. }
            | RoomEvent::SpeakRequestDeclined { .. }
            | RoomEvent::SpeakerApproved { .. }
            | RoomEvent::SpeakerDismissed { .. }
            | RoomEvent::WaitingListJoined { .. }
            | RoomEvent::WaitingListLeft { .. }
            | RoomEvent::PersonRemoved { .. }
            | RoomEvent::CoHostAppointed { .. }
            | RoomEvent::CoHostDismissed { .. }
            | RoomEvent::SpeakerInvited { .. }
            | RoomEvent::InvitationAccepted { .. }
            | RoomEvent::InvitationDeclined { .. }
            | RoomEvent::SpeakerMuted { .. }
            | RoomEvent::SpeakerUnmuted { .. }
            | RoomEvent::PersonBanned { .. }
            | RoomEvent::PersonUnbanned { .. }
            | RoomEvent::HostHandedOver { .. }
            | RoomEvent::LobbyOpened { .. }
            | RoomEvent::EntryTakenOver { .. }
            | RoomEvent::RecordingConsented { .. }
            | RoomEvent::RecordingStarted(_)
            | RoomEvent::RecordingStopped(_)
            | RoomEvent::RecordingPartBegan(_)
            | RoomEvent::RecordingPartEnded(_)
            | RoomEvent::RecordingDeleted(_)
            | RoomEvent::RoomVoided { .. }
            | RoomEvent::PresenceRecorded { .. }
            | RoomEvent::DeliveryRecorded(_) => vec![],
        },
        AnyEvent::Ticket(..) | AnyEvent::Payout(..) | AnyEvent::Shop(..) => vec![],
    }
}
