//! What disputes make of events.

use domain::{AnyEvent, TicketEvent};
use event_log::Recorded;

use crate::{Job, NewJob};

pub fn react(recorded: &Recorded) -> Vec<NewJob> {
    let AnyEvent::Ticket(ticket, event) = &recorded.event else {
        return vec![];
    };
    let ticket = *ticket;
    let follow = |dispute: &str| {
        let dispute = dispute.to_owned();
        NewJob::now(recorded, Job::FollowDispute { ticket, dispute })
    };
    match event {
        TicketEvent::DisputeOpened(opened) => vec![follow(&opened.dispute)],
        TicketEvent::DisputeWon { dispute, .. } => vec![follow(dispute)],
        TicketEvent::DisputeLost(lost) => vec![
            follow(&lost.dispute),
            NewJob::now(recorded, Job::ReleaseRefundedSeat { ticket }),
        ],
        TicketEvent::TicketOrdered { .. }
        | TicketEvent::PaymentStarted { .. }
        | TicketEvent::PaymentAccepted { .. }
        | TicketEvent::PaymentCaptured { .. }
        | TicketEvent::PaymentDeclined { .. }
        | TicketEvent::PaymentCancelled { .. }
        | TicketEvent::TicketIssued { .. }
        | TicketEvent::TicketLapsed { .. }
        | TicketEvent::TicketPresented { .. }
        | TicketEvent::TicketAdmitted { .. }
        | TicketEvent::RefundOwed(_)
        | TicketEvent::RefundSent { .. }
        | TicketEvent::RefundCompleted { .. }
        | TicketEvent::RefundFailed { .. }
        | TicketEvent::TicketTransferred { .. }
        | TicketEvent::TicketReturned { .. }
        | TicketEvent::TicketSettled(_) => vec![],
    }
}
