//! What settlement makes of events.

use domain::{AnyEvent, RoomEvent, TicketEvent, TicketId};
use event_log::Recorded;

use crate::job::CreditEarning;
use crate::{Job, NewJob};

pub fn react(recorded: &Recorded) -> Vec<NewJob> {
    match &recorded.event {
        AnyEvent::Room(room, event) => match event {
            RoomEvent::DeliveryRecorded(delivery) if delivery.delivered => {
                vec![NewJob::now(recorded, Job::SettleRoom { room: *room })]
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
            | RoomEvent::RoomCancelled { .. }
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
            | RoomEvent::RoomVoided { .. }
            | RoomEvent::PresenceRecorded { .. } => vec![],
        },
        AnyEvent::Ticket(ticket, event) => react_to_ticket(recorded, *ticket, event),
        AnyEvent::Payout(..) | AnyEvent::Shop(..) => vec![],
    }
}

fn react_to_ticket(recorded: &Recorded, ticket: TicketId, event: &TicketEvent) -> Vec<NewJob> {
    match event {
        TicketEvent::TicketSettled(settled) => {
            let earning = CreditEarning {
                ticket,
                gross: settled.gross,
                tax: settled.tax,
                store_fee: settled.store_fee,
                provider_fee: settled.provider_fee,
            };
            vec![NewJob::now(recorded, Job::CreditEarning(earning))]
        }
        TicketEvent::TicketOrdered { .. }
        | TicketEvent::PaymentStarted { .. }
        | TicketEvent::PaymentAccepted { .. }
        | TicketEvent::PaymentCaptured { .. }
        | TicketEvent::PaymentDeclined { .. }
        | TicketEvent::PaymentCancelled { .. }
        | TicketEvent::TicketIssued { .. }
        | TicketEvent::TicketLapsed { .. }
        | TicketEvent::TicketTransferred { .. }
        | TicketEvent::TicketPresented { .. }
        | TicketEvent::TicketAdmitted { .. }
        | TicketEvent::RefundOwed(_)
        | TicketEvent::RefundSent { .. }
        | TicketEvent::RefundCompleted { .. }
        | TicketEvent::RefundFailed { .. }
        | TicketEvent::DisputeOpened(_)
        | TicketEvent::DisputeWon { .. }
        | TicketEvent::TicketReturned { .. }
        | TicketEvent::DisputeLost(_) => vec![],
    }
}
