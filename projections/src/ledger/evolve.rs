//! What an event means for the books: the chart of accounts and the postings.
//!
//! Where a posting rests on an earlier event (the room of a ticket, the provider of a payment) it names that fact, and
//! whoever writes the books looks it up among what earlier events left there.
#![deny(clippy::wildcard_enum_match_arm)]

use domain::payout::EarningCredited;
use domain::ticket::RefundOwed;
use domain::{AnyEvent, Money, PaymentId, PayoutEvent, PayoutId, RefundId, RoomId, TicketEvent, TicketId, UserId};

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum LedgerChange<'a> {
    KnowSale { ticket: TicketId, room: RoomId },
    KnowPayment { payment: PaymentId, provider: &'a str },
    KnowCapture { ticket: TicketId, amount: Money },
    KnowRefund { refund: RefundId, payment: PaymentId },
    KnowPayout { payout: PayoutId, provider: &'a str },
    Post(Vec<Posting>),
}

/// One line to be: debit or credit an account by an amount.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Posting {
    pub(crate) side: Side,
    pub(crate) account: Account,
    pub(crate) amount: Amount,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Side {
    Debit,
    Credit,
}

/// The chart of accounts, as far as it is used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Account {
    CashOfPayment(PaymentId),
    CashOfRefund(RefundId),
    CashOfPayout(PayoutId),
    ClearingCharge,
    ClearingRefund,
    ClearingPayout,
    UnearnedOfTicket(TicketId),
    Unearned(RoomId),
    HostAvailable(UserId),
    PlatformFee,
    ProviderFee,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Amount {
    Exactly(Money),
    /// What the ticket's first captured payment brought; nothing for a free seat.
    FirstCapture(TicketId),
}

pub(crate) fn evolve(event: &AnyEvent) -> Vec<LedgerChange<'_>> {
    match event {
        AnyEvent::Room(..) => vec![], // seats are no money
        AnyEvent::Ticket(ticket, event) => evolve_ticket(*ticket, event),
        AnyEvent::Payout(host, event) => evolve_payout(*host, event),
    }
}

fn evolve_ticket(ticket: TicketId, event: &TicketEvent) -> Vec<LedgerChange<'_>> {
    match event {
        TicketEvent::TicketOrdered { room_id, .. } => vec![LedgerChange::KnowSale { ticket, room: *room_id }],
        TicketEvent::PaymentStarted {
            payment_id, provider, ..
        } => vec![LedgerChange::KnowPayment {
            payment: *payment_id,
            provider,
        }],
        TicketEvent::PaymentCaptured {
            payment_id,
            amount,
            provider_fee,
            ..
        } => capture(ticket, *payment_id, *amount, *provider_fee),
        TicketEvent::TicketIssued { .. } => vec![issue(ticket)],
        TicketEvent::RefundOwed(refund) => owe_refund(ticket, refund),
        TicketEvent::RefundCompleted { refund_id, amount, .. } => vec![LedgerChange::Post(vec![
            debit(Account::ClearingRefund, *amount),
            credit(Account::CashOfRefund(*refund_id), *amount),
        ])],
        // What was owed and could not be sent stays visible in clearing:refund.
        TicketEvent::RefundFailed { .. }
        | TicketEvent::RefundSent { .. }
        | TicketEvent::PaymentAccepted { .. }
        | TicketEvent::PaymentDeclined { .. }
        | TicketEvent::PaymentCancelled { .. }
        | TicketEvent::TicketLapsed { .. }
        | TicketEvent::TicketTransferred { .. }
        | TicketEvent::TicketAdmitted { .. }
        | TicketEvent::TicketSettled(_) => vec![], // the host's EarningCredited moves the money
    }
}

fn evolve_payout(host: UserId, event: &PayoutEvent) -> Vec<LedgerChange<'_>> {
    let available = Account::HostAvailable(host);
    match event {
        PayoutEvent::EarningCredited(earning) => vec![earn(host, earning)],
        PayoutEvent::PayoutRequested {
            payout_id,
            amount,
            provider,
            ..
        } => vec![
            LedgerChange::KnowPayout {
                payout: *payout_id,
                provider,
            },
            LedgerChange::Post(vec![
                debit(available, *amount),
                credit(Account::ClearingPayout, *amount),
            ]),
        ],
        PayoutEvent::PayoutPaid { payout_id, amount, .. } => vec![LedgerChange::Post(vec![
            debit(Account::ClearingPayout, *amount),
            credit(Account::CashOfPayout(*payout_id), *amount),
        ])],
        PayoutEvent::PayoutFailed { amount, .. } => vec![LedgerChange::Post(vec![
            debit(Account::ClearingPayout, *amount),
            credit(available, *amount),
        ])],
        PayoutEvent::HostApplied { .. }
        | PayoutEvent::HostApproved { .. }
        | PayoutEvent::DestinationLinked { .. }
        | PayoutEvent::PayoutSent { .. } => vec![],
    }
}

/// The provider holds what is left after its fee; what it will become is not decided yet.
fn capture<'a>(ticket: TicketId, payment: PaymentId, amount: Money, fee: Money) -> Vec<LedgerChange<'a>> {
    let cash = Account::CashOfPayment(payment);
    vec![
        LedgerChange::KnowCapture { ticket, amount },
        LedgerChange::Post(vec![
            debit(cash, amount),
            credit(cash, fee),
            debit(Account::ProviderFee, fee),
            credit(Account::ClearingCharge, amount),
        ]),
    ]
}

/// The money became a ticket: sold, not earned.
fn issue<'a>(ticket: TicketId) -> LedgerChange<'a> {
    let amount = Amount::FirstCapture(ticket);
    LedgerChange::Post(vec![
        Posting {
            side: Side::Debit,
            account: Account::ClearingCharge,
            amount,
        },
        Posting {
            side: Side::Credit,
            account: Account::UnearnedOfTicket(ticket),
            amount,
        },
    ])
}

/// The money goes back from where it is: from unearned income if it had become a ticket, else from clearing.
fn owe_refund<'a>(ticket: TicketId, refund: &RefundOwed) -> Vec<LedgerChange<'a>> {
    let from = if refund.was_issued {
        Account::UnearnedOfTicket(ticket)
    } else {
        Account::ClearingCharge
    };
    vec![
        LedgerChange::KnowRefund {
            refund: refund.refund_id,
            payment: refund.payment_id,
        },
        LedgerChange::Post(vec![
            debit(from, refund.amount),
            credit(Account::ClearingRefund, refund.amount),
        ]),
    ]
}

/// Delivered: unearned income becomes the host's and the platform's; the host bears the provider's fee.
fn earn<'a>(host: UserId, earning: &EarningCredited) -> LedgerChange<'a> {
    LedgerChange::Post(vec![
        debit(Account::Unearned(earning.room_id), earning.gross),
        credit(Account::HostAvailable(host), earning.host_share),
        credit(Account::PlatformFee, earning.platform_fee),
        credit(Account::ProviderFee, earning.provider_fee),
    ])
}

fn debit(account: Account, amount: Money) -> Posting {
    Posting {
        side: Side::Debit,
        account,
        amount: Amount::Exactly(amount),
    }
}

fn credit(account: Account, amount: Money) -> Posting {
    Posting {
        side: Side::Credit,
        account,
        amount: Amount::Exactly(amount),
    }
}
