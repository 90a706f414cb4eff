//! What checkout makes of events.

use domain::{AnyEvent, RoomEvent, TicketEvent, TicketId};
use event_log::Recorded;

use crate::job::later;
use crate::{Job, NewJob, ProcessSettings};

pub fn react(recorded: &Recorded, settings: &ProcessSettings) -> Vec<NewJob> {
    match &recorded.event {
        AnyEvent::Room(room, event) => match event {
            RoomEvent::SeatSold(sold) => vec![NewJob::now(
                recorded,
                Job::IssueTicket {
                    room: *room,
                    ticket: sold.ticket_id,
                },
            )],
            RoomEvent::SeatDenied { ticket_id, .. } => vec![NewJob::now(
                recorded,
                Job::RefundSeatGone {
                    room: *room,
                    ticket: *ticket_id,
                },
            )],
            RoomEvent::RoomScheduled(_)
            | RoomEvent::SeatHeld(_)
            | RoomEvent::SeatReleased(_)
            | RoomEvent::RoomOpened { .. }
            | RoomEvent::RoomEnded { .. }
            | RoomEvent::RoomCancelled { .. }
            | RoomEvent::SpeakRequested { .. }
            | RoomEvent::SpeakRequestWithdrawn { .. }
            | RoomEvent::SpeakRequestDeclined { .. }
            | RoomEvent::SpeakerApproved { .. }
            | RoomEvent::SpeakerDismissed { .. }
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
        AnyEvent::Ticket(ticket, event) => react_to_ticket(recorded, *ticket, event, settings),
        AnyEvent::Payout(..) | AnyEvent::Shop(..) => vec![],
    }
}

fn react_to_ticket(
    recorded: &Recorded,
    ticket: TicketId,
    event: &TicketEvent,
    settings: &ProcessSettings,
) -> Vec<NewJob> {
    match event {
        // A free seat needs no payment: it is sold at once.
        TicketEvent::TicketOrdered { terms, .. } if terms.total.is_zero() => {
            vec![NewJob::now(recorded, Job::SellSeat { ticket })]
        }
        TicketEvent::PaymentCaptured { .. } => vec![NewJob::now(recorded, Job::SellSeat { ticket })],
        TicketEvent::PaymentStarted { payment_id, .. } => {
            let check = Job::CheckPayment {
                ticket,
                payment: *payment_id,
            };
            let run_at = later(recorded.recorded_at, settings.payment_check_delay);
            vec![NewJob::at(recorded, check, run_at)]
        }
        TicketEvent::TicketOrdered { .. }
        | TicketEvent::PaymentAccepted { .. }
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
        | TicketEvent::TicketSettled(_)
        | TicketEvent::DisputeOpened(_)
        | TicketEvent::DisputeWon { .. }
        | TicketEvent::TicketReturned { .. }
        | TicketEvent::DisputeLost(_) => vec![],
    }
}
