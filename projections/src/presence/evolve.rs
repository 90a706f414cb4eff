//! What an event says about attendance.
#![deny(clippy::wildcard_enum_match_arm)]

use domain::room::{DeliveryRecorded, PresenceInterval};
use domain::{AnyEvent, RoomEvent, RoomId};

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum PresenceChange<'a> {
    Attend {
        room: RoomId,
        intervals: &'a [PresenceInterval],
    },
    Deliver {
        room: RoomId,
        delivery: &'a DeliveryRecorded,
    },
}

pub(crate) fn evolve(event: &AnyEvent) -> Option<PresenceChange<'_>> {
    match event {
        AnyEvent::Room(room, event) => evolve_room(*room, event),
        AnyEvent::Ticket(..) | AnyEvent::Payout(..) | AnyEvent::Shop(..) => None,
    }
}

fn evolve_room(room: RoomId, event: &RoomEvent) -> Option<PresenceChange<'_>> {
    match event {
        RoomEvent::PresenceRecorded { intervals, .. } => Some(PresenceChange::Attend { room, intervals }),
        RoomEvent::DeliveryRecorded(delivery) => Some(PresenceChange::Deliver { room, delivery }),
        RoomEvent::RoomScheduled(_)
        | RoomEvent::SeatHeld(_)
        | RoomEvent::SeatSold(_)
        | RoomEvent::SeatReleased(_)
        | RoomEvent::RoomRevised(_)
        | RoomEvent::SalesPaused { .. }
        | RoomEvent::SalesSuspended { .. }
        | RoomEvent::SalesReinstated { .. }
        | RoomEvent::SalesResumed { .. }
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
        | RoomEvent::RoomCancelled { .. }
        | RoomEvent::RoomVoided { .. }
        | RoomEvent::SpeakRequested { .. }
        | RoomEvent::SpeakRequestWithdrawn { .. }
        | RoomEvent::SpeakRequestDeclined { .. }
        | RoomEvent::SpeakerApproved { .. }
        | RoomEvent::SpeakerDismissed { .. }
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
        | RoomEvent::PersonRemoved { .. } => None,
    }
}
