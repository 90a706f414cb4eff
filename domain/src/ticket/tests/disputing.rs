//! Disputes that end before there is a ticket.

use super::*;
use crate::Timestamp;

const DISPUTE: &str = "dp_1";

/// Two charges for one ticket, of which the second is on its way back.
fn charged_twice() -> Given<Ticket> {
    given([ordered(), started(1, 1), started(2, 2), captured(1)]).then_do(TicketCommand::RecordCapture {
        payment_id: payment(2),
        amount: usd(1_000),
        provider_fee: usd(59),
        at: at(4),
    })
}

fn dispute(number: u128, amount: i64) -> TicketCommand {
    TicketCommand::RecordDispute {
        dispute: DISPUTE.to_owned(),
        payment_id: payment(number),
        amount: usd(amount),
        reason: "fraudulent".to_owned(),
        at: at(5),
    }
}

fn lose(at: Timestamp) -> TicketCommand {
    TicketCommand::RecordDisputeLost {
        dispute: DISPUTE.to_owned(),
        fee: usd(15),
        at,
    }
}

/// What is owed back of each charge.
fn owed(ticket: &Ticket) -> [i64; 2] {
    [1, 2].map(|number| {
        let of_payment = ticket.refunds().filter(|refund| refund.payment_id == payment(number));
        of_payment.map(|refund| refund.amount.amount_minor()).sum()
    })
}

#[test]
fn the_charge_that_stands_goes_back_when_a_dispute_about_the_other_is_lost() {
    let disputed = charged_twice().then_do(dispute(2, 1));
    assert_eq!(owed(&disputed.state), [0, 1_000]);
    let lost = disputed.then_do(lose(at(6))).state;
    assert_eq!((lost.phase(), owed(&lost)), (TicketPhase::Refunded, [1_000, 1_000]));
}

#[test]
fn what_a_lost_dispute_leaves_of_the_charge_goes_back() {
    let lost = charged_twice().then_do(dispute(1, 300)).then_do(lose(at(6))).state;
    assert_eq!((lost.phase(), owed(&lost)), (TicketPhase::Refunded, [700, 1_000]));
}
