//! What an event writes on the statement of a host. A new kind of line is added here, a new part of the account in
//! [`Movement`].
#![deny(clippy::wildcard_enum_match_arm)]

use domain::payout::{EarningCredited, EarningReversed, HeldEarning, Later, ShareCredited};
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
    /// What those have who share it.
    pub(crate) co_hosts: i64,
}

/// What a line does to the parts of a host's account, in minor units.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Movement {
    pub(crate) pending: i64,
    pub(crate) available: i64,
    pub(crate) pending_payout: i64,
    pub(crate) paid_out: i64,
    pub(crate) reserved: i64,
    pub(crate) receivable: i64,
}

// Amounts are bounded far below 2^63 by the presets; PostgreSQL refuses a sum that is not.
impl Division {
    pub(crate) fn add(&mut self, other: Self) {
        self.gross = self.gross.saturating_add(other.gross);
        self.tax = self.tax.saturating_add(other.tax);
        self.store_fee = self.store_fee.saturating_add(other.store_fee);
        self.provider_fee = self.provider_fee.saturating_add(other.provider_fee);
        self.platform_fee = self.platform_fee.saturating_add(other.platform_fee);
        self.co_hosts = self.co_hosts.saturating_add(other.co_hosts);
    }
}

impl Movement {
    pub(crate) fn add(&mut self, other: Self) {
        self.pending = self.pending.saturating_add(other.pending);
        self.available = self.available.saturating_add(other.available);
        self.pending_payout = self.pending_payout.saturating_add(other.pending_payout);
        self.paid_out = self.paid_out.saturating_add(other.paid_out);
        self.reserved = self.reserved.saturating_add(other.reserved);
        self.receivable = self.receivable.saturating_add(other.receivable);
    }
}

pub(crate) fn evolve(event: &AnyEvent) -> Option<StatementChange<'_>> {
    match event {
        AnyEvent::Payout(host, event) => evolve_payout(*host, event),
        AnyEvent::Shop(_, ShopEvent::DaySealed(day)) => Some(StatementChange::SealDay(day)),
        AnyEvent::Room(..)
        | AnyEvent::Ticket(..)
        | AnyEvent::Shop(
            _,
            ShopEvent::PersonErased { .. } | ShopEvent::RolloutChanged { .. } | ShopEvent::CohortsAssigned { .. },
        ) => None,
    }
}

fn evolve_payout(host: UserId, event: &PayoutEvent) -> Option<StatementChange<'_>> {
    let line = match event {
        PayoutEvent::EarningCredited(earning) => of_earning(host, earning),
        PayoutEvent::EarningHeld(held) => of_hold(host, LineKind::DisputeHeld, held, -1),
        PayoutEvent::EarningReleased(held) => of_hold(host, LineKind::DisputeReleased, held, 1),
        PayoutEvent::EarningReversed(reversed) => of_reversal(host, reversed),
        PayoutEvent::ShareCredited(share) => of_share(host, share),
        PayoutEvent::PayoutRequested { payout_id, amount, .. } => {
            of_payout(host, LineKind::PayoutRequested, *payout_id, *amount, [-1, 1, 0])
        }
        PayoutEvent::PayoutPaid { payout_id, amount, .. } => {
            of_payout(host, LineKind::PayoutPaid, *payout_id, *amount, [0, -1, 1])
        }
        PayoutEvent::PayoutFailed { payout_id, amount, .. } => {
            of_payout(host, LineKind::PayoutFailed, *payout_id, *amount, [1, -1, 0])
        }
        PayoutEvent::PayoutReturned { payout_id, amount, .. } => {
            of_payout(host, LineKind::PayoutReturned, *payout_id, *amount, [1, 0, -1])
        }
        PayoutEvent::EarningsMatured { amount, .. } => {
            let pending = -amount.amount_minor();
            of_move(host, LineKind::EarningsMatured, *amount, to_available(pending, 0))
        }
        PayoutEvent::ReserveReleased { amount, .. } => {
            let reserved = -amount.amount_minor();
            of_move(host, LineKind::ReserveReleased, *amount, to_available(0, reserved))
        }
        PayoutEvent::ReceivableNetted { amount, .. } => {
            let movement = Movement {
                available: -amount.amount_minor(),
                receivable: -amount.amount_minor(),
                ..Movement::default()
            };
            of_move(host, LineKind::ReceivableNetted, *amount, movement)
        }
        // Nothing moved: that is what is to be told.
        PayoutEvent::PayoutRolledOver { available, .. } => {
            of_move(host, LineKind::PayoutRolledOver, *available, Movement::default())
        }
        PayoutEvent::PayoutSent {
            payout_id,
            provider_ref,
            ..
        } => {
            let (payout, reference) = (*payout_id, provider_ref.as_str());
            return Some(StatementChange::NamePayout { payout, reference });
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
        | PayoutEvent::PayoutScheduleChosen { .. } => return None,
    };
    Some(StatementChange::Line(Box::new(line)))
}

fn of_earning(host: UserId, earning: &EarningCredited) -> Line<'_> {
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
            co_hosts: earning.shared().amount_minor(),
        },
        movement: credited(earning.own_share(), earning.netted, earning.pending, earning.reserved),
    }
}

/// A part of somebody else's sale: the division is on their statement.
fn of_share(host: UserId, share: &ShareCredited) -> Line<'_> {
    let movement = credited(share.share, share.netted, share.pending, share.reserved);
    Line {
        room: Some(share.room_id),
        ticket: Some(share.ticket_id),
        ..of_move(host, LineKind::Share, share.share, movement)
    }
}

/// What owes nothing, waits for nothing and is no reserve is available.
fn credited(share: Money, netted: Option<Money>, pending: Option<Later>, reserved: Option<Later>) -> Movement {
    let netted = netted.map_or(0, Money::amount_minor);
    let [pending, reserved] = [pending, reserved].map(|later| later.map_or(0, |later| later.amount.amount_minor()));
    let elsewhere = netted.saturating_add(pending).saturating_add(reserved);
    Movement {
        pending,
        available: share.amount_minor().saturating_sub(elsewhere),
        reserved,
        receivable: -netted,
        ..Movement::default()
    }
}

/// Money that moves within the account.
fn of_move<'a>(host: UserId, kind: LineKind, amount: Money, movement: Movement) -> Line<'a> {
    Line {
        host,
        kind,
        room: None,
        ticket: None,
        payout: None,
        reference: None,
        currency: amount.currency(),
        sale: Division::default(),
        movement,
    }
}

/// `sign` is what happens to what is pending and available.
fn of_hold(host: UserId, kind: LineKind, held: &HeldEarning, sign: i64) -> Line<'_> {
    let minor = held.amount.amount_minor().saturating_mul(sign);
    let pending = held.pending.map_or(0, Money::amount_minor).saturating_mul(sign);
    let movement = Movement {
        pending,
        available: minor.saturating_sub(pending),
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
    let [pending, rolling] =
        [back.from_pending, back.from_rolling_reserve].map(|part| part.map_or(0, Money::amount_minor));
    let movement = Movement {
        pending: -pending,
        available: -back.from_available.amount_minor(),
        reserved: -back.from_reserve.amount_minor().saturating_add(rolling),
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

/// What leaves the pending part and the reserve is available.
fn to_available(pending: i64, reserved: i64) -> Movement {
    Movement {
        pending,
        available: -pending.saturating_add(reserved),
        reserved,
        ..Movement::default()
    }
}

/// The signs are those of what is available, on its way, and paid out.
fn of_payout<'a>(host: UserId, kind: LineKind, payout: PayoutId, amount: Money, signs: [i64; 3]) -> Line<'a> {
    let [available, pending_payout, paid_out] = signs.map(|sign| amount.amount_minor().saturating_mul(sign));
    let movement = Movement {
        available,
        pending_payout,
        paid_out,
        ..Movement::default()
    };
    Line {
        payout: Some(payout),
        ..of_move(host, kind, amount, movement)
    }
}
