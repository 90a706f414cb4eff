//! What tickets lead to.

use domain::ticket::{RefundInitiator, RefundOwed, RefundReason, TicketSettled};
use domain::{AnyEvent, Fingerprint, Money, RefundId, TicketEvent};
use uuid::Uuid;

use super::{at, jobs, reaction, terms, usd};
use crate::Job;
use crate::job::CreditEarning;
use crate::tests::world::{HOST, ROOM, payment, ticket, user};

const REFUND: RefundId = RefundId::from_uuid(Uuid::from_u128(0xf001));

fn ticket_jobs(event: TicketEvent) -> Vec<Job> {
    jobs(AnyEvent::Ticket(ticket(1), event))
}

fn ordered(total: Money) -> TicketEvent {
    TicketEvent::TicketOrdered {
        ticket_id: ticket(1),
        room_id: ROOM,
        host: HOST,
        buyer: user(1),
        terms: terms(total),
        ordered_at: at(0),
    }
}

fn owed(in_full: bool) -> TicketEvent {
    TicketEvent::RefundOwed(RefundOwed {
        refund_id: REFUND,
        payment_id: payment(1),
        amount: usd(1_000),
        reason: RefundReason::Requested,
        initiated_by: RefundInitiator::Buyer,
        in_full,
        was_issued: true,
        request: None,
        owed_at: at(0),
        tax: None,
    })
}

#[test]
fn a_free_order_asks_for_its_seat_and_a_priced_one_waits_for_its_payment() {
    let ticket = ticket(1);
    assert_eq!(ticket_jobs(ordered(usd(0))), [Job::SellSeat { ticket }]);
    assert_eq!(ticket_jobs(ordered(usd(1_000))), []);
}

#[test]
fn a_started_payment_is_checked_after_a_while() {
    let started = TicketEvent::PaymentStarted {
        payment_id: payment(1),
        attempt: 1,
        provider: "scripted".to_owned(),
        amount: usd(1_000),
        request: Fingerprint::of(b"pay"),
        started_at: at(0),
    };
    let checks = reaction(AnyEvent::Ticket(ticket(1), started));
    assert_eq!(checks.len(), 1);
    assert_eq!(checks[0].run_at, Some(at(5)));
    let check = Job::CheckPayment {
        ticket: ticket(1),
        payment: payment(1),
    };
    assert_eq!(checks[0].job, check);
}

#[test]
fn captured_money_asks_for_its_seat() {
    let captured = TicketEvent::PaymentCaptured {
        payment_id: payment(1),
        amount: usd(1_000),
        provider_fee: usd(59),
        captured_at: at(0),
        store_fee: None,
    };
    assert_eq!(ticket_jobs(captured), [Job::SellSeat { ticket: ticket(1) }]);
}

#[test]
fn owed_money_is_sent_and_a_full_refund_gives_the_seat_back() {
    let (ticket, refund) = (ticket(1), REFUND);
    assert_eq!(ticket_jobs(owed(false)), [Job::SendRefund { ticket, refund }]);
    let both = [Job::SendRefund { ticket, refund }, Job::ReleaseRefundedSeat { ticket }];
    assert_eq!(ticket_jobs(owed(true)), both);
}

#[test]
fn a_refund_that_failed_is_asked_for_again() {
    let (ticket, refund) = (ticket(1), REFUND);
    let failed = TicketEvent::RefundFailed {
        refund_id: refund,
        reason: "account_closed".to_owned(),
        failed_at: at(0),
    };
    assert_eq!(ticket_jobs(failed), [Job::SendRefund { ticket, refund }]);
}

#[test]
fn a_settled_sale_credits_its_host() {
    let settled = TicketSettled {
        gross: usd(1_000),
        provider_fee: usd(59),
        platform_fee: None,
        host_share: None,
        settled_at: at(0),
        tax: None,
        store_fee: None,
    };
    let credit = Job::CreditEarning(CreditEarning {
        ticket: ticket(1),
        gross: usd(1_000),
        tax: None,
        store_fee: None,
        provider_fee: usd(59),
    });
    assert_eq!(ticket_jobs(TicketEvent::TicketSettled(settled)), [credit]);
}

#[test]
fn other_events_of_a_ticket_lead_to_nothing() {
    let (payment_id, refund_id, at) = (payment(1), REFUND, at(0));
    let text = || "whatever".to_owned();
    let others = [
        TicketEvent::PaymentAccepted {
            payment_id,
            provider_ref: text(),
            accepted_at: at,
        },
        TicketEvent::PaymentDeclined {
            payment_id,
            reason: text(),
            declined_at: at,
        },
        TicketEvent::PaymentCancelled {
            payment_id,
            cancelled_at: at,
        },
        TicketEvent::TicketIssued { issued_at: at },
        TicketEvent::TicketLapsed { lapsed_at: at },
        TicketEvent::TicketPresented {
            doors_per_second: 50,
            presented_at: at,
        },
        TicketEvent::TicketAdmitted { admitted_at: at },
        TicketEvent::RefundSent {
            refund_id,
            provider_ref: text(),
            sent_at: at,
        },
        TicketEvent::RefundCompleted {
            refund_id,
            amount: usd(1),
            completed_at: at,
            store_fee: None,
        },
    ];
    for event in others {
        let name = event.name();
        assert_eq!(ticket_jobs(event), [], "{name}");
    }
}
