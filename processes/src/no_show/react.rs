//! What no-show makes of events.

use domain::room::Promise;
use domain::{AnyEvent, RoomEvent};
use event_log::Recorded;

use crate::{Job, NewJob};

pub fn react(recorded: &Recorded) -> Vec<NewJob> {
    let AnyEvent::Room(room, event) = &recorded.event else {
        return vec![];
    };
    let ring = |at| vec![NewJob::at(recorded, Job::VoidNoShow { room: *room }, at)];
    match event {
        RoomEvent::RoomScheduled(scheduled) => {
            let promise = Promise {
                starts_at: scheduled.starts_at,
                planned_minutes: scheduled.planned_minutes,
                no_show_minutes: scheduled.no_show_minutes,
            };
            ring(promise.no_show_at())
        }
        // The minutes are the room's: it tells when the timer rings.
        RoomEvent::RoomRescheduled(new) => ring(new.starts_at),
        RoomEvent::RoomRevised(revised) if revised.revision.no_show_minutes.is_some() => ring(recorded.recorded_at),
        RoomEvent::RoomRevised(_)
        | RoomEvent::RoomCancelled { .. }
        | RoomEvent::DeliveryRecorded(_)
        | RoomEvent::SeatHeld(_)
        | RoomEvent::SeatSold(_)
        | RoomEvent::SeatReleased(_)
        | RoomEvent::SalesPaused { .. }
        | RoomEvent::SalesResumed { .. }
        | RoomEvent::SalesSuspended { .. }
        | RoomEvent::SalesReinstated { .. }
        | RoomEvent::WaitingListJoined { .. }
        | RoomEvent::WaitingListLeft { .. }
        | RoomEvent::SeatAwaited { .. }
        | RoomEvent::SeatTransferred { .. }
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
        | RoomEvent::PresenceRecorded { .. }
        | RoomEvent::RoomVoided { .. } => vec![],
    }
}
