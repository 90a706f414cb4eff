//! What cancellation makes of events.

use domain::ticket::RefundReason;
use domain::{AnyEvent, RoomEvent, RoomId};
use event_log::Recorded;

use crate::{Job, NewJob};

pub fn react(recorded: &Recorded) -> Vec<NewJob> {
    let AnyEvent::Room(room, event) = &recorded.event else {
        return vec![];
    };
    match event {
        RoomEvent::RoomCancelled { .. } => refund_room(recorded, *room, RefundReason::RoomCancelled),
        RoomEvent::RoomVoided { reason, .. } => refund_room(recorded, *room, (*reason).into()),
        // As older versions recorded it. What is void says so itself.
        RoomEvent::DeliveryRecorded(delivery) if !delivery.delivered && delivery.verdict.is_none() => {
            refund_room(recorded, *room, RefundReason::NotDelivered)
        }
        RoomEvent::DeliveryRecorded(_)
        | RoomEvent::RoomScheduled(_)
        | RoomEvent::SeatHeld(_)
        | RoomEvent::SeatSold(_)
        | RoomEvent::SeatReleased(_)
        | RoomEvent::RoomRevised(_)
        | RoomEvent::SalesPaused { .. }
        | RoomEvent::SalesResumed { .. }
        | RoomEvent::SalesSuspended { .. }
        | RoomEvent::SalesReinstated { .. }
        | RoomEvent::WaitingListJoined { .. }
        | RoomEvent::WaitingListLeft { .. }
        | RoomEvent::SeatAwaited { .. }
        | RoomEvent::SeatTransferred { .. }
        | RoomEvent::RoomRescheduled(_)
        | RoomEvent::SharesProposed { .. }
        | RoomEvent::ShareAgreed { .. }
        | RoomEvent::SeatDenied { .. }
        | RoomEvent::RoomOpened { .. }
        | RoomEvent::RoomEnded { .. }
        | RoomEvent::SpeakRequested { .. }
        | RoomEvent::SpeakRequestWithdrawn { .. }
        | RoomEvent::SpeakRequestDeclined { .. }
        | RoomEvent::SpeakerApproved { .. }
        | RoomEvent::SpeakerDismissed { .. }
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
        | RoomEvent::PresenceRecorded { .. } => vec![],
    }
}

fn refund_room(recorded: &Recorded, room: RoomId, reason: RefundReason) -> Vec<NewJob> {
    vec![NewJob::now(recorded, Job::RefundRoom { room, reason })]
}
