//! What refunds make of events.

use domain::{AnyEvent, TicketEvent};
use event_log::Recorded;

use crate::{Job, NewJob};

pub fn react(recorded: &Recorded) -> Vec<NewJob> {
    let AnyEvent::Ticket(ticket, event) = &recorded.event else {
        return vec![];
    };
    let ticket = *ticket;
    match event {
        TicketEvent::RefundOwed(owed) => {
            let send = Job::SendRefund {
                ticket,
                refund: owed.refund_id,
            };
            let release = owed.in_full.then_some(Job::ReleaseRefundedSeat { ticket });
            [Some(send), release]
                .into_iter()
                .flatten()
                .map(|job| NewJob::now(recorded, job))
                .collect()
        }
        TicketEvent::TicketReturned { .. } => vec![NewJob::now(recorded, Job::ReleaseRefundedSeat { ticket })],
        // Still owed: once more, and then it is put aside where a human finds it.
        TicketEvent::RefundFailed { refund_id, .. } => {
            let send = Job::SendRefund {
                ticket,
                refund: *refund_id,
            };
            vec![NewJob::now(recorded, send)]
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
        | TicketEvent::RefundSent { .. }
        | TicketEvent::RefundCompleted { .. }
        | TicketEvent::TicketSettled(_)
        | TicketEvent::DisputeOpened(_)
        | TicketEvent::DisputeWon { .. }
        | TicketEvent::DisputeLost(_) => vec![],
    }
}
