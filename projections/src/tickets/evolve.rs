//! What an event changes in the tickets.
#![deny(clippy::wildcard_enum_match_arm)]

use domain::room::{ReleaseReason, SeatHeld};
use domain::ticket::{DisputeLost, RefundOwed};
use domain::{AnyEvent, Money, PaymentId, RefundId, RoomEvent, RoomId, TicketEvent, TicketId, Timestamp, UserId};

use super::TicketState;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TicketChange<'a> {
    KnowRoom {
        room: RoomId,
        host: UserId,
    },
    Hold {
        room: RoomId,
        held: &'a SeatHeld,
    },
    /// To a new state, whatever it was.
    Enter {
        ticket: TicketId,
        state: TicketState,
    },
    /// To a new state, if the sale is not over: the seat may go while money is on its way, and the other way round.
    EnterUnpaid {
        ticket: TicketId,
        state: TicketState,
    },
    GiveTo {
        ticket: TicketId,
        holder: UserId,
    },
    StartPayment {
        ticket: TicketId,
        payment: PaymentId,
        attempt: u32,
        provider: &'a str,
        amount: Money,
        at: Timestamp,
    },
    AcceptPayment {
        ticket: TicketId,
        payment: PaymentId,
        provider_ref: &'a str,
    },
    CapturePayment {
        ticket: TicketId,
        payment: PaymentId,
        fee: Money,
    },
    DeclinePayment {
        ticket: TicketId,
        payment: PaymentId,
        reason: &'a str,
    },
    CancelPayment {
        ticket: TicketId,
        payment: PaymentId,
    },
    OweRefund {
        ticket: TicketId,
        refund: &'a RefundOwed,
    },
    MoveRefund {
        ticket: TicketId,
        refund: RefundId,
        to: RefundStep<'a>,
    },
    /// The buyer's bank has taken the money, and keeps it.
    Revoke {
        ticket: TicketId,
        lost: &'a DisputeLost,
    },
}

/// What became of money owed back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum RefundStep<'a> {
    Sent,
    Completed,
    Failed { reason: &'a str },
}

pub(crate) fn evolve(event: &AnyEvent) -> Option<TicketChange<'_>> {
    match event {
        AnyEvent::Room(room, event) => evolve_room(*room, event),
        AnyEvent::Ticket(ticket, event) => evolve_ticket(*ticket, event),
        AnyEvent::Payout(..) | AnyEvent::Shop(..) => None,
    }
}

fn evolve_room(room: RoomId, event: &RoomEvent) -> Option<TicketChange<'_>> {
    match event {
        RoomEvent::RoomScheduled(scheduled) => Some(TicketChange::KnowRoom {
            room,
            host: scheduled.host,
        }),
        RoomEvent::SeatHeld(held) => Some(TicketChange::Hold { room, held }),
        RoomEvent::SeatReleased(released) => {
            let ticket = released.ticket_id;
            let state = match released.reason {
                ReleaseReason::Lapsed => TicketState::Lapsed,
                ReleaseReason::GivenBack | ReleaseReason::RoomCancelled | ReleaseReason::Removed => TicketState::Released,
                ReleaseReason::Refunded => return None, // the ticket's own RefundOwed said so
            };
            Some(TicketChange::EnterUnpaid { ticket, state })
        }
        RoomEvent::SeatSold(_) // the ticket's own TicketIssued follows
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
        | RoomEvent::SeatDenied { .. } // its RefundOwed follows
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
        | RoomEvent::PresenceRecorded { .. }
        | RoomEvent::RoomVoided { .. }
        | RoomEvent::DeliveryRecorded(_) => None,
    }
}

fn evolve_ticket(ticket: TicketId, event: &TicketEvent) -> Option<TicketChange<'_>> {
    let enter = |state| Some(TicketChange::Enter { ticket, state });
    match event {
        TicketEvent::TicketOrdered { .. } // says what the hold said
        | TicketEvent::TicketPresented { .. } // at the doors
        | TicketEvent::DisputeOpened(_) // between the bank and the books
        | TicketEvent::DisputeWon { .. } => None,
        TicketEvent::TicketIssued { .. } => enter(TicketState::Issued),
        TicketEvent::TicketAdmitted { .. } => enter(TicketState::Admitted),
        TicketEvent::TicketSettled(_) => enter(TicketState::Settled),
        TicketEvent::TicketReturned { .. } => enter(TicketState::Released),
        TicketEvent::DisputeLost(lost) => Some(TicketChange::Revoke { ticket, lost }),
        TicketEvent::TicketLapsed { .. } => Some(TicketChange::EnterUnpaid {
            ticket,
            state: TicketState::Lapsed,
        }),
        TicketEvent::PaymentStarted { .. }
        | TicketEvent::PaymentAccepted { .. }
        | TicketEvent::PaymentCaptured { .. }
        | TicketEvent::PaymentDeclined { .. }
        | TicketEvent::PaymentCancelled { .. } => evolve_payment(ticket, event),
        TicketEvent::TicketTransferred { to, .. } => Some(TicketChange::GiveTo { ticket, holder: *to }),
        TicketEvent::RefundOwed(refund) => Some(TicketChange::OweRefund { ticket, refund }),
        TicketEvent::RefundSent { refund_id, .. } => Some(TicketChange::MoveRefund {
            ticket,
            refund: *refund_id,
            to: RefundStep::Sent,
        }),
        TicketEvent::RefundCompleted { refund_id, .. } => Some(TicketChange::MoveRefund {
            ticket,
            refund: *refund_id,
            to: RefundStep::Completed,
        }),
        TicketEvent::RefundFailed { refund_id, reason, .. } => Some(TicketChange::MoveRefund {
            ticket,
            refund: *refund_id,
            to: RefundStep::Failed { reason },
        }),
    }
}

fn evolve_payment(ticket: TicketId, event: &TicketEvent) -> Option<TicketChange<'_>> {
    match event {
        TicketEvent::PaymentStarted {
            payment_id,
            attempt,
            provider,
            amount,
            started_at,
            ..
        } => Some(TicketChange::StartPayment {
            ticket,
            payment: *payment_id,
            attempt: *attempt,
            provider,
            amount: *amount,
            at: *started_at,
        }),
        TicketEvent::PaymentAccepted {
            payment_id,
            provider_ref,
            ..
        } => Some(TicketChange::AcceptPayment {
            ticket,
            payment: *payment_id,
            provider_ref,
        }),
        TicketEvent::PaymentCaptured {
            payment_id,
            provider_fee,
            ..
        } => Some(TicketChange::CapturePayment {
            ticket,
            payment: *payment_id,
            fee: *provider_fee,
        }),
        TicketEvent::PaymentDeclined { payment_id, reason, .. } => Some(TicketChange::DeclinePayment {
            ticket,
            payment: *payment_id,
            reason,
        }),
        TicketEvent::PaymentCancelled { payment_id, .. } => Some(TicketChange::CancelPayment {
            ticket,
            payment: *payment_id,
        }),
        TicketEvent::TicketOrdered { .. }
        | TicketEvent::TicketIssued { .. }
        | TicketEvent::TicketLapsed { .. }
        | TicketEvent::TicketPresented { .. }
        | TicketEvent::TicketAdmitted { .. }
        | TicketEvent::RefundOwed(_)
        | TicketEvent::RefundSent { .. }
        | TicketEvent::RefundCompleted { .. }
        | TicketEvent::RefundFailed { .. }
        | TicketEvent::TicketTransferred { .. }
        | TicketEvent::TicketSettled(_)
        | TicketEvent::DisputeOpened(_)
        | TicketEvent::DisputeWon { .. }
        | TicketEvent::TicketReturned { .. }
        | TicketEvent::DisputeLost(_) => None,
    }
}
