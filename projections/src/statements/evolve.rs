//! What an event writes on the statement of a host. A new kind of line is added here, a new part of the account in
//! [`Movement`].
#![deny(clippy::wildcard_enum_match_arm)]

use domain::payout::{EarningCredited, EarningReversed, HeldEarning};
use domain::shop::DaySealed;
use domain::{AnyEvent, Currency, Money, PayoutEvent, PayoutId, RoomId, ShopEvent, TicketId, UserId};

use super::LineKind;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum StatementChange<'a> {
    Line(Box<Line<'a>>),
    /// The provider has the payout, under this name.
    NamePayout {
        payout: PayoutId,
        reference: &'a str,
    },
    SealDay(&'a DaySealed),
}

/// A line to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Line<'a> {
    pub(crate) host: UserId,
    pub(crate) kind: LineKind,
    pub(crate) room: Option<RoomId>,
    pub(crate) ticket: Option<TicketId>,
    pub(crate) payout: Option<PayoutId>,
    pub(crate) reference: Option<&'a str>,
    pub(crate) currency: Currency,
    pub(crate) sale: Division,
    pub(crate) movement: Movement,
}

/// How a sale was divided, in minor units; nothing for what is no sale.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Division {
    pub(crate) gross: i64,
    pub(crate) tax: i64,
    pub(crate) store_fee: i64,
    pub(crate) provider_fee: i64,
    pub(crate) platform_fee: i64,
}

/// What a line does to the parts of a host's account, in minor units.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Movement {
    pub(crate) available: i64,
    pub(crate) pending_payout: i64,
    pub(crate) paid_out: i64,
    pub(crate) reserved: i64,
    pub(crate) receivable: i64,
}

pub(crate) fn evolve(event: &AnyEvent) -> Option<StatementChange<'_>> {
    match event {
        AnyEvent::Payout(host, event) => evolve_payout(*host, event),
        AnyEvent::Shop(_, ShopEvent::DaySealed(day)) => Some(StatementChange::SealDay(day)),
        AnyEvent::Room(..) | AnyEvent::Ticket(..) | AnyEvent::Shop(_, ShopEvent::PersonErased { .. }) => None,
    }
}

fn evolve_payout(host: UserId, event: &PayoutEvent) -> Option<StatementChange<'_>> {
    let line = match event {
        PayoutEvent::EarningCredited(earning) => of_earning(host, earning),
        PayoutEvent::EarningHeld(held) => of_hold(host, LineKind::DisputeHeld, held, -1),
        PayoutEvent::EarningReleased(held) => of_hold(host, LineKind::DisputeReleased, held, 1),
        PayoutEvent::EarningReversed(reversed) => of_reversal(host, reversed),
        PayoutEvent::PayoutRequested { payout_id, amount, .. } => {
            let minor = amount.amount_minor();
            let movement = Movement {
                available: -minor,
                pending_payout: minor,
                ..Movement::default()
            };
            of_payout(host, LineKind::PayoutRequested, *payout_id, *amount, movement)
        }
        PayoutEvent::PayoutPaid { payout_id, amount, .. } => {
            let minor = amount.amount_minor();
            let movement = Movement {
                pending_payout: -minor,
                paid_out: minor,
                ..Movement::default()
            };
            of_payout(host, LineKind::PayoutPaid, *payout_id, *amount, movement)
        }
        PayoutEvent::PayoutFailed { payout_id, amount, .. } => {
            let minor = amount.amount_minor();
            let movement = Movement {
                available: minor,
                pending_payout: -minor,
                ..Movement::default()
            };
            of_payout(host, LineKind::PayoutFailed, *payout_id, *amount, movement)
        }
        PayoutEvent::PayoutSent {
            payout_id,
            provider_ref,
            ..
        } => {
            let (payout, reference) = (*payout_id, provider_ref.as_str());
            return Some(StatementChange::NamePayout { payout, reference });
        }
        PayoutEvent::HostApplied { .. } | PayoutEvent::HostApproved { .. } | PayoutEvent::DestinationLinked { .. } => {
            return None;
        }
    };
    Some(StatementChange::Line(Box::new(line)))
}

fn of_earning(host: UserId, earning: &EarningCredited) -> Line<'_> {
    let netted = earning.netted.map_or(0, Money::amount_minor);
    Line {
        host,
        kind: LineKind::Earning,
        room: Some(earning.room_id),
        ticket: Some(earning.ticket_id),
        payout: None,
        reference: None,
        currency: earning.host_share.currency(),
        sale: Division {
            gross: earning.gross.amount_minor(),
            tax: earning.tax.map_or(0, |tax| tax.amount.amount_minor()),
            store_fee: earning.store_fee.map_or(0, Money::amount_minor),
            provider_fee: earning.provider_fee.amount_minor(),
            platform_fee: earning.platform_fee.amount_minor(),
        },
        movement: Movement {
            available: earning.host_share.amount_minor().saturating_sub(netted),
            receivable: -netted,
            ..Movement::default()
        },
    }
}

/// `sign` is what happens to the available balance.
fn of_hold(host: UserId, kind: LineKind, held: &HeldEarning, sign: i64) -> Line<'_> {
    let minor = held.amount.amount_minor().saturating_mul(sign);
    let movement = Movement {
        available: minor,
        reserved: -minor,
        ..Movement::default()
    };
    of_dispute(
        host,
        kind,
        held.ticket_id,
        &held.dispute,
        held.amount.currency(),
        movement,
    )
}

fn of_reversal(host: UserId, back: &EarningReversed) -> Line<'_> {
    let movement = Movement {
        available: -back.from_available.amount_minor(),
        reserved: -back.from_reserve.amount_minor(),
        receivable: back.receivable.amount_minor(),
        ..Movement::default()
    };
    let currency = back.receivable.currency();
    let kind = LineKind::DisputeReversed;
    of_dispute(host, kind, back.ticket_id, &back.dispute, currency, movement)
}

fn of_dispute(
    host: UserId,
    kind: LineKind,
    ticket: TicketId,
    dispute: &str,
    currency: Currency,
    movement: Movement,
) -> Line<'_> {
    Line {
        host,
        kind,
        room: None,
        ticket: Some(ticket),
        payout: None,
        reference: Some(dispute),
        currency,
        sale: Division::default(),
        movement,
    }
}

fn of_payout<'a>(host: UserId, kind: LineKind, payout: PayoutId, amount: Money, movement: Movement) -> Line<'a> {
    Line {
        host,
        kind,
        room: None,
        ticket: None,
        payout: Some(payout),
        reference: None,
        currency: amount.currency(),
        sale: Division::default(),
        movement,
    }
}
