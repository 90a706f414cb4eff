//! What an event changes about who may be where.
#![deny(clippy::wildcard_enum_match_arm)]

use domain::{AnyEvent, RoomEvent, RoomId, SessionId, TicketEvent, TicketId, UserId};

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum EntitlementChange {
    KnowRoom {
        room: RoomId,
        host: UserId,
    },
    Open {
        room: RoomId,
        session: SessionId,
    },
    Close {
        room: RoomId,
    },
    KnowTicket {
        ticket: TicketId,
        room: RoomId,
        holder: UserId,
    },
    Entitle {
        ticket: TicketId,
    },
    GiveTo {
        ticket: TicketId,
        holder: UserId,
    },
    /// Its money went back.
    Revoke {
        ticket: TicketId,
    },
    /// A dispute about it was lost.
    Bar {
        ticket: TicketId,
    },
    AskToSpeak {
        room: RoomId,
        person: UserId,
    },
    MaySpeak {
        room: RoomId,
        person: UserId,
    },
    BeSilent {
        room: RoomId,
        person: UserId,
    },
    Remove {
        room: RoomId,
        person: UserId,
    },
}

pub(crate) fn evolve(event: &AnyEvent) -> Option<EntitlementChange> {
    match event {
        AnyEvent::Room(room, event) => evolve_room(*room, event),
        AnyEvent::Ticket(ticket, event) => evolve_ticket(*ticket, event),
        AnyEvent::Payout(..) | AnyEvent::Shop(..) => None,
    }
}

fn evolve_room(room: RoomId, event: &RoomEvent) -> Option<EntitlementChange> {
    match event {
        RoomEvent::RoomScheduled(scheduled) => Some(EntitlementChange::KnowRoom {
            room,
            host: scheduled.host,
        }),
        RoomEvent::RoomOpened { session_id, .. } => Some(EntitlementChange::Open {
            room,
            session: *session_id,
        }),
        RoomEvent::RoomEnded { .. } | RoomEvent::RoomCancelled { .. } => Some(EntitlementChange::Close { room }),
        RoomEvent::SpeakRequested { user, .. } => Some(EntitlementChange::AskToSpeak { room, person: *user }),
        RoomEvent::SpeakerApproved { user, .. } => Some(EntitlementChange::MaySpeak { room, person: *user }),
        RoomEvent::SpeakRequestWithdrawn { user, .. }
        | RoomEvent::SpeakRequestDeclined { user, .. }
        | RoomEvent::SpeakerDismissed { user, .. } => Some(EntitlementChange::BeSilent { room, person: *user }),
        RoomEvent::PersonRemoved { user, .. } => Some(EntitlementChange::Remove { room, person: *user }),
        // Entry comes with the ticket's TicketIssued and goes with its RefundOwed, not with the seat.
        RoomEvent::SeatHeld(_)
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
        | RoomEvent::PresenceRecorded { .. }
        | RoomEvent::DeliveryRecorded(_) => None,
    }
}

fn evolve_ticket(ticket: TicketId, event: &TicketEvent) -> Option<EntitlementChange> {
    match event {
        TicketEvent::TicketOrdered { room_id, buyer, .. } => Some(EntitlementChange::KnowTicket {
            ticket,
            room: *room_id,
            holder: *buyer,
        }),
        TicketEvent::TicketIssued { .. } => Some(EntitlementChange::Entitle { ticket }),
        TicketEvent::RefundOwed(refund) if refund.in_full => Some(EntitlementChange::Revoke { ticket }),
        TicketEvent::TicketTransferred { to, .. } => Some(EntitlementChange::GiveTo { ticket, holder: *to }),
        TicketEvent::TicketReturned { .. } => Some(EntitlementChange::Revoke { ticket }),
        TicketEvent::DisputeLost(_) => Some(EntitlementChange::Bar { ticket }),
        TicketEvent::DisputeOpened(_)
        | TicketEvent::DisputeWon { .. }
        | TicketEvent::RefundOwed(_) // a part of the price went back, the ticket stays
        | TicketEvent::PaymentStarted { .. }
        | TicketEvent::PaymentAccepted { .. }
        | TicketEvent::PaymentCaptured { .. }
        | TicketEvent::PaymentDeclined { .. }
        | TicketEvent::PaymentCancelled { .. }
        | TicketEvent::TicketLapsed { .. }
        | TicketEvent::TicketAdmitted { .. }
        | TicketEvent::RefundSent { .. }
        | TicketEvent::RefundCompleted { .. }
        | TicketEvent::RefundFailed { .. }
        | TicketEvent::TicketSettled(_) => None,
    }
}
