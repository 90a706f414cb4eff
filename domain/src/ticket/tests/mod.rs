//! A ticket at 10.00 USD, platform fee 5 %, refundable until the start at second 3600.

mod disputing;
mod issuing;
mod paying;
mod refunding;
mod settling;
mod store;
mod transferring;

use crate::terms::{Channel, RefundPolicy, Terms};
use crate::testing::{Given, at, past, payment, refund, request, room, ticket, usd, user};
use crate::ticket::refunding::refund_of_second_charge;
use crate::ticket::*;
use crate::{BasisPoints, Money, PaymentId, RefundId, Ticket, TicketCommand, TicketError, TicketEvent, UserId};

const HOST: UserId = user(1);
const ANN: UserId = user(11);
const BOB: UserId = user(12);

fn given(events: impl IntoIterator<Item = TicketEvent>) -> Given<Ticket> {
    past(events)
}

fn terms(total: i64, refund_policy: RefundPolicy) -> Terms {
    Terms {
        preset: "open".to_owned(),
        preset_version: 1,
        total: usd(total),
        tax: usd(0),
        channel: Channel::Web,
        platform_fee: BasisPoints::try_new(500).expect("5 %"),
        refund_policy,
        legal_terms_sha256: None,
        pricing: None,
        customer_country: None,
        rules: crate::SaleRules::default(),
    }
}

fn order_of(terms: Terms) -> OrderTicket {
    OrderTicket {
        ticket_id: ticket(1),
        room_id: room(1),
        host: HOST,
        buyer: ANN,
        terms,
        at: at(0),
    }
}

fn ordered_on(terms: Terms) -> TicketEvent {
    TicketEvent::TicketOrdered {
        ticket_id: ticket(1),
        room_id: room(1),
        host: HOST,
        buyer: ANN,
        terms,
        ordered_at: at(0),
    }
}

fn ordered() -> TicketEvent {
    ordered_on(terms(1_000, RefundPolicy::UntilStart))
}

fn ordered_free() -> TicketEvent {
    ordered_on(terms(0, RefundPolicy::UntilStart))
}

fn started(number: u128, attempt: u32) -> TicketEvent {
    TicketEvent::PaymentStarted {
        payment_id: payment(number),
        attempt,
        provider: "sandbox".to_owned(),
        amount: usd(1_000),
        request: request("pay"),
        started_at: at(1),
    }
}

fn accepted(number: u128) -> TicketEvent {
    TicketEvent::PaymentAccepted {
        payment_id: payment(number),
        provider_ref: "ref".to_owned(),
        accepted_at: at(2),
    }
}

fn captured(number: u128) -> TicketEvent {
    TicketEvent::PaymentCaptured {
        payment_id: payment(number),
        amount: usd(1_000),
        provider_fee: usd(59),
        captured_at: at(3),
        store_fee: None,
    }
}

fn declined(number: u128) -> TicketEvent {
    TicketEvent::PaymentDeclined {
        payment_id: payment(number),
        reason: "no money".to_owned(),
        declined_at: at(3),
    }
}

fn cancelled(number: u128) -> TicketEvent {
    TicketEvent::PaymentCancelled {
        payment_id: payment(number),
        cancelled_at: at(3),
    }
}

fn issued() -> TicketEvent {
    TicketEvent::TicketIssued { issued_at: at(4) }
}

fn lapsed() -> TicketEvent {
    TicketEvent::TicketLapsed { lapsed_at: at(4) }
}

fn admitted() -> TicketEvent {
    TicketEvent::TicketAdmitted { admitted_at: at(5) }
}

fn settled(gross: i64, provider_fee: i64) -> TicketEvent {
    TicketEvent::TicketSettled(TicketSettled {
        gross: usd(gross),
        provider_fee: usd(provider_fee),
        platform_fee: None,
        host_share: None,
        settled_at: at(9),
        tax: None,
        store_fee: None,
    })
}

/// What the host owes back on request.
fn owed(number: u128, amount: i64, in_full: bool, was_issued: bool) -> RefundOwed {
    RefundOwed {
        refund_id: refund(number),
        payment_id: payment(1),
        amount: usd(amount),
        reason: RefundReason::Requested,
        initiated_by: RefundInitiator::Host,
        in_full,
        was_issued,
        request: Some(request("refund")),
        owed_at: at(6),
        tax: None,
    }
}

fn paid() -> Vec<TicketEvent> {
    vec![ordered(), started(1, 1), accepted(1), captured(1)]
}

fn paid_and_issued() -> Vec<TicketEvent> {
    let mut events = paid();
    events.push(issued());
    events
}

fn fully_refunded() -> Vec<TicketEvent> {
    let mut events = paid_and_issued();
    events.push(TicketEvent::RefundOwed(owed(1, 1_000, true, true)));
    events
}

fn start(number: u128) -> TicketCommand {
    TicketCommand::StartPayment(StartPayment {
        payment_id: payment(number),
        provider: "sandbox".to_owned(),
        request: request("pay"),
        at: at(1),
    })
}

fn accept(number: u128) -> TicketCommand {
    TicketCommand::RecordAccepted {
        payment_id: payment(number),
        provider_ref: "ref".to_owned(),
        at: at(2),
    }
}

fn capture(number: u128) -> TicketCommand {
    capture_of(payment(number), usd(1_000), usd(59))
}

fn capture_of(payment_id: PaymentId, amount: Money, provider_fee: Money) -> TicketCommand {
    TicketCommand::RecordCapture {
        payment_id,
        amount,
        provider_fee,
        at: at(3),
    }
}

fn decline(number: u128) -> TicketCommand {
    TicketCommand::RecordDecline {
        payment_id: payment(number),
        reason: "no money\0".to_owned(),
        at: at(3),
    }
}

fn cancel(number: u128) -> TicketCommand {
    TicketCommand::RecordCancelled {
        payment_id: payment(number),
        at: at(3),
    }
}

fn issue() -> TicketCommand {
    TicketCommand::Issue { at: at(4) }
}

fn lapse() -> TicketCommand {
    TicketCommand::Lapse { at: at(4) }
}

fn admit(holder: UserId) -> TicketCommand {
    TicketCommand::Admit { holder, at: at(5) }
}

fn present(holder: UserId) -> TicketCommand {
    TicketCommand::Present {
        holder,
        doors_per_second: 50,
        at: at(5),
    }
}

fn presented() -> TicketEvent {
    TicketEvent::TicketPresented {
        doors_per_second: 50,
        presented_at: at(5),
    }
}

fn settle() -> TicketCommand {
    TicketCommand::Settle {
        missing: None,
        at: at(9),
    }
}

/// Asked for by the host, who is bound by no policy.
fn owe(number: u128, amount: Option<i64>) -> OweRefund {
    OweRefund {
        refund_id: refund(number),
        amount: amount.map(usd),
        reason: RefundReason::Requested,
        by: RefundInitiator::Host,
        room_starts_at: at(3_600),
        room_has_opened: false,
        request: Some(request("refund")),
        at: at(6),
    }
}

fn host_refunds(number: u128, amount: Option<i64>) -> TicketCommand {
    TicketCommand::OweRefund(owe(number, amount))
}

fn second_charge(in_full: bool) -> TicketEvent {
    TicketEvent::RefundOwed(RefundOwed {
        refund_id: refund_of_second_charge(payment(2)),
        payment_id: payment(2),
        amount: usd(1_000),
        reason: RefundReason::ChargedTwice,
        initiated_by: RefundInitiator::System,
        in_full,
        was_issued: false,
        request: None,
        owed_at: at(3),
        tax: None,
    })
}
