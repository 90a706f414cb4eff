//! What an event means for the books: the chart of accounts and the postings.
//!
//! Where a posting rests on an earlier event (the room of a ticket, the provider of a payment) it names that fact, and
//! whoever writes the books looks it up among what earlier events left there.
#![deny(clippy::wildcard_enum_match_arm)]

use domain::payout::{EarningCredited, EarningReversed, HeldEarning, Later, ShareCredited};
use domain::ticket::{DisputeLost, RefundOwed};
use domain::{
    AnyEvent, Country, Money, PaymentId, PayoutEvent, PayoutId, RefundId, RoomId, TaxPart, TicketEvent, TicketId,
    UserId,
};

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum LedgerChange<'a> {
    KnowSale {
        ticket: TicketId,
        room: RoomId,
        tax: Option<TaxPart>,
    },
    KnowPayment {
        payment: PaymentId,
        provider: &'a str,
    },
    KnowCapture {
        ticket: TicketId,
        amount: Money,
    },
    KnowRefund {
        refund: RefundId,
        payment: PaymentId,
    },
    KnowPayout {
        payout: PayoutId,
        provider: &'a str,
    },
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
    ClearingDispute,
    ClearingShare,
    UnearnedOfTicket(TicketId),
    /// Of the country whose tax the ticket has in it.
    TaxOfTicket(TicketId),
    Tax(Country),
    Unearned(RoomId),
    HostAvailable(UserId),
    HostPending(UserId),
    HostReserve(UserId),
    HostReceivable(UserId),
    PlatformFee,
    ProviderFee,
    StoreFee,
    DisputeFee,
    DisputeLoss,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Amount {
    Exactly(Money),
    /// What the ticket's first captured payment brought; nothing for a free seat.
    FirstCapture(TicketId),
    /// The tax in it; nothing where there is no tax.
    TaxOf(TicketId),
}

pub(crate) fn evolve(event: &AnyEvent) -> Vec<LedgerChange<'_>> {
    match event {
        AnyEvent::Room(..) | AnyEvent::Shop(..) => vec![], // seats are no money
        AnyEvent::Ticket(ticket, event) => evolve_ticket(*ticket, event),
        AnyEvent::Payout(host, event) => evolve_payout(*host, event),
    }
}

fn evolve_ticket(ticket: TicketId, event: &TicketEvent) -> Vec<LedgerChange<'_>> {
    match event {
        TicketEvent::TicketOrdered { room_id, terms, .. } => vec![LedgerChange::KnowSale {
            ticket,
            room: *room_id,
            tax: terms
                .tax_between(terms.total, Money::zero(terms.total.currency()))
                .unwrap_or_default(),
        }],
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
            store_fee,
            ..
        } => capture(ticket, *payment_id, *amount, *provider_fee, *store_fee),
        TicketEvent::TicketIssued { .. } => vec![issue(ticket)],
        TicketEvent::RefundOwed(refund) => owe_refund(ticket, refund),
        TicketEvent::RefundCompleted {
            refund_id,
            amount,
            store_fee,
            ..
        } => vec![give_back(*refund_id, *amount, *store_fee)],
        TicketEvent::DisputeOpened(opened) => vec![LedgerChange::Post(vec![
            debit(Account::ClearingDispute, opened.amount),
            credit(Account::CashOfPayment(opened.payment_id), opened.amount),
        ])],
        TicketEvent::DisputeWon { payment_id, amount, .. } => vec![LedgerChange::Post(vec![
            debit(Account::CashOfPayment(*payment_id), *amount),
            credit(Account::ClearingDispute, *amount),
        ])],
        TicketEvent::DisputeLost(lost) => vec![lose_dispute(ticket, lost)],
        // What was owed and could not be sent stays visible in clearing:refund.
        TicketEvent::RefundFailed { .. }
        | TicketEvent::RefundSent { .. }
        | TicketEvent::PaymentAccepted { .. }
        | TicketEvent::PaymentDeclined { .. }
        | TicketEvent::PaymentCancelled { .. }
        | TicketEvent::TicketLapsed { .. }
        | TicketEvent::TicketTransferred { .. }
        | TicketEvent::TicketPresented { .. }
        | TicketEvent::TicketAdmitted { .. }
        | TicketEvent::TicketReturned { .. }
        | TicketEvent::TicketSettled(_) => vec![], // the host's EarningCredited moves the money
    }
}

fn evolve_payout(host: UserId, event: &PayoutEvent) -> Vec<LedgerChange<'_>> {
    let available = Account::HostAvailable(host);
    match event {
        PayoutEvent::EarningCredited(earning) => vec![earn(host, earning)],
        PayoutEvent::ShareCredited(share) => vec![earn_share(host, share)],
        PayoutEvent::EarningHeld(held) => vec![hold(host, held)],
        PayoutEvent::EarningReleased(held) => vec![release(host, held)],
        PayoutEvent::EarningReversed(reversed) => vec![reverse(host, reversed)],
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
        // It is where it was paid from again, and from there the host's.
        PayoutEvent::PayoutReturned { payout_id, amount, .. } => vec![LedgerChange::Post(vec![
            debit(Account::CashOfPayout(*payout_id), *amount),
            credit(Account::ClearingPayout, *amount),
            debit(Account::ClearingPayout, *amount),
            credit(available, *amount),
        ])],
        PayoutEvent::EarningsMatured { amount, .. } => vec![move_to(Account::HostPending(host), available, *amount)],
        PayoutEvent::ReserveReleased { amount, .. } => vec![move_to(Account::HostReserve(host), available, *amount)],
        PayoutEvent::ReceivableNetted { amount, .. } => {
            vec![move_to(available, Account::HostReceivable(host), *amount)]
        }
        PayoutEvent::HostApplied { .. }
        | PayoutEvent::HostApproved { .. }
        | PayoutEvent::HostWaitlisted(_)
        | PayoutEvent::HostDeclined(_)
        | PayoutEvent::HostSuspended { .. }
        | PayoutEvent::GuestBanned { .. }
        | PayoutEvent::GuestUnbanned { .. }
        | PayoutEvent::HostReinstated { .. }
        | PayoutEvent::FactsStated { .. }
        | PayoutEvent::TermsAccepted { .. }
        | PayoutEvent::DestinationLinked { .. }
        | PayoutEvent::PayoutScheduleChosen { .. }
        | PayoutEvent::PayoutRolledOver { .. }
        | PayoutEvent::PayoutSent { .. } => vec![],
    }
}

/// The provider holds what is left after its fee; what it will become is not decided yet.
fn capture<'a>(
    ticket: TicketId,
    payment: PaymentId,
    amount: Money,
    fee: Money,
    store_fee: Option<Money>,
) -> Vec<LedgerChange<'a>> {
    let cash = Account::CashOfPayment(payment);
    let store_fee = store_fee.unwrap_or(Money::zero(amount.currency()));
    vec![
        LedgerChange::KnowCapture { ticket, amount },
        LedgerChange::Post(vec![
            debit(cash, amount),
            credit(cash, fee),
            debit(Account::ProviderFee, fee),
            credit(cash, store_fee),
            debit(Account::StoreFee, store_fee),
            credit(Account::ClearingCharge, amount),
        ]),
    ]
}

/// The money leaves, less what a store gives back of its own fee.
fn give_back<'a>(refund: RefundId, amount: Money, store_fee: Option<Money>) -> LedgerChange<'a> {
    let store_fee = store_fee.unwrap_or(Money::zero(amount.currency()));
    let cash = Account::CashOfRefund(refund);
    LedgerChange::Post(vec![
        debit(Account::ClearingRefund, amount),
        credit(cash, amount),
        debit(cash, store_fee),
        credit(Account::StoreFee, store_fee),
    ])
}

/// The money became a ticket: sold, not earned. Its tax is due.
fn issue<'a>(ticket: TicketId) -> LedgerChange<'a> {
    let (amount, tax) = (Amount::FirstCapture(ticket), Amount::TaxOf(ticket));
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
        Posting {
            side: Side::Debit,
            account: Account::UnearnedOfTicket(ticket),
            amount: tax,
        },
        Posting {
            side: Side::Credit,
            account: Account::TaxOfTicket(ticket),
            amount: tax,
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
    let mut postings = vec![
        debit(from, refund.amount),
        credit(Account::ClearingRefund, refund.amount),
    ];
    // The tax in it is not due any more.
    postings.extend(
        refund
            .tax
            .into_iter()
            .flat_map(|tax| [debit(Account::Tax(tax.country), tax.amount), credit(from, tax.amount)]),
    );
    vec![
        LedgerChange::KnowRefund {
            refund: refund.refund_id,
            payment: refund.payment_id,
        },
        LedgerChange::Post(postings),
    ]
}

fn move_to<'a>(from: Account, to: Account, amount: Money) -> LedgerChange<'a> {
    LedgerChange::Post(vec![debit(from, amount), credit(to, amount)])
}

fn hold<'a>(host: UserId, held: &HeldEarning) -> LedgerChange<'a> {
    let pending = held.pending.unwrap_or(Money::zero(held.amount.currency()));
    LedgerChange::Post(vec![
        credit(Account::HostReserve(host), held.amount),
        debit(Account::HostAvailable(host), held.amount),
        credit(Account::HostAvailable(host), pending),
        debit(Account::HostPending(host), pending),
    ])
}

fn release<'a>(host: UserId, held: &HeldEarning) -> LedgerChange<'a> {
    let pending = held.pending.unwrap_or(Money::zero(held.amount.currency()));
    LedgerChange::Post(vec![
        debit(Account::HostReserve(host), held.amount),
        credit(Account::HostAvailable(host), held.amount),
        debit(Account::HostAvailable(host), pending),
        credit(Account::HostPending(host), pending),
    ])
}

/// What the host gives back makes the loss smaller.
fn reverse<'a>(host: UserId, reversed: &EarningReversed) -> LedgerChange<'a> {
    let zero = Money::zero(reversed.from_reserve.currency());
    let parts = [
        (Account::HostReserve(host), reversed.from_reserve),
        (Account::HostPending(host), reversed.from_pending.unwrap_or(zero)),
        (
            Account::HostReserve(host),
            reversed.from_rolling_reserve.unwrap_or(zero),
        ),
        (Account::HostAvailable(host), reversed.from_available),
        (Account::HostReceivable(host), reversed.receivable),
    ];
    let both = |(account, amount)| [debit(account, amount), credit(Account::DisputeLoss, amount)];
    LedgerChange::Post(parts.into_iter().flat_map(both).collect())
}

/// The money is gone: out of the sale as far as it was not earned, else as a loss. Tax of what is gone is not due any more.
fn lose_dispute<'a>(ticket: TicketId, lost: &DisputeLost) -> LedgerChange<'a> {
    let of_sale = if lost.was_issued {
        Account::UnearnedOfTicket(ticket)
    } else {
        Account::ClearingCharge
    };
    let cash = Account::CashOfPayment(lost.payment_id);
    let mut postings = vec![
        credit(Account::ClearingDispute, lost.amount),
        debit(Account::DisputeLoss, lost.amount),
        credit(Account::DisputeLoss, lost.covered),
        debit(of_sale, lost.covered),
        debit(Account::DisputeFee, lost.fee),
        credit(cash, lost.fee),
    ];
    if let Some(store_fee) = lost.store_fee {
        postings.extend([debit(cash, store_fee), credit(Account::DisputeLoss, store_fee)]);
    }
    let relieved = if lost.covered.is_zero() {
        Account::DisputeLoss
    } else {
        of_sale
    };
    postings.extend(lost.tax.into_iter().flat_map(|tax| {
        [
            debit(Account::Tax(tax.country), tax.amount),
            credit(relieved, tax.amount),
        ]
    }));
    LedgerChange::Post(postings)
}

/// Delivered: unearned income becomes the host's and the platform's; the host bears the store's and the provider's fee. Tax
/// was never income.
fn earn<'a>(host: UserId, earning: &EarningCredited) -> LedgerChange<'a> {
    let zero = Money::zero(earning.gross.currency());
    let mut postings = vec![
        debit(Account::Unearned(earning.room_id), earning.gross),
        credit(
            Account::Unearned(earning.room_id),
            earning.tax.map_or(zero, |tax| tax.amount),
        ),
        credit(Account::StoreFee, earning.store_fee.unwrap_or(zero)),
        credit(Account::ClearingShare, earning.shared()),
        credit(Account::PlatformFee, earning.platform_fee),
        credit(Account::ProviderFee, earning.provider_fee),
    ];
    let waits = [earning.pending, earning.reserved];
    postings.extend(places(host, earning.own_share(), earning.netted, waits));
    LedgerChange::Post(postings)
}

/// The part of somebody who shares a sale: until here it was on its way from the host's account.
fn earn_share<'a>(user: UserId, share: &ShareCredited) -> LedgerChange<'a> {
    let mut postings = vec![debit(Account::ClearingShare, share.share)];
    postings.extend(places(user, share.share, share.netted, [share.pending, share.reserved]));
    LedgerChange::Post(postings)
}

/// What is owed first, then what waits; the rest is available.
fn places(user: UserId, share: Money, netted: Option<Money>, [pending, reserved]: [Option<Later>; 2]) -> Vec<Posting> {
    let available = Account::HostAvailable(user);
    let zero = Money::zero(share.currency());
    let parts = [
        (Account::HostReceivable(user), netted.unwrap_or(zero)),
        (Account::HostPending(user), pending.map_or(zero, |later| later.amount)),
        (Account::HostReserve(user), reserved.map_or(zero, |later| later.amount)),
    ];
    let moved = parts
        .into_iter()
        .flat_map(|(account, amount)| [debit(available, amount), credit(account, amount)]);
    [credit(available, share)].into_iter().chain(moved).collect()
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
