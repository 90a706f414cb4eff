//! What an event changes in the accounts of hosts.
#![deny(clippy::wildcard_enum_match_arm)]

use domain::payout::{EarningCredited, EarningReversed, HeldEarning, ShareCredited};
use domain::{AnyEvent, Money, PayoutEvent, PayoutId, Timestamp, UserId};

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum EarningsChange<'a> {
    Stand {
        host: UserId,
        event: &'a PayoutEvent,
    },
    /// Nothing that is shown changed.
    Touch {
        host: UserId,
    },
    LinkDestination {
        host: UserId,
        destination: &'a str,
    },
    Credit {
        host: UserId,
        earning: &'a EarningCredited,
    },
    CreditShare {
        host: UserId,
        share: &'a ShareCredited,
    },
    Dispute {
        host: UserId,
        step: DisputeStep<'a>,
    },
    /// Money of the host's goes from one place to another.
    Move {
        host: UserId,
        step: MoveStep,
        amount: Money,
        at: Timestamp,
    },
    RequestPayout {
        host: UserId,
        payout: PayoutId,
        amount: Money,
        at: Timestamp,
    },
    SendPayout {
        host: UserId,
        payout: PayoutId,
        at: Timestamp,
    },
    FinishPayout {
        host: UserId,
        payout: PayoutId,
        amount: Money,
        outcome: PayoutOutcome<'a>,
        at: Timestamp,
    },
}

/// What a dispute does to an earning.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum DisputeStep<'a> {
    Held(&'a HeldEarning),
    Released(&'a HeldEarning),
    Reversed(&'a EarningReversed),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum MoveStep {
    Matured,
    ReserveReleased,
    Netted,
    /// Nothing moved.
    RolledOver,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum PayoutOutcome<'a> {
    Paid,
    Failed { reason: &'a str },
    Returned { reason: &'a str },
}

/// A sale becomes an earning with the account's own `EarningCredited`, not before.
pub(crate) fn evolve(event: &AnyEvent) -> Option<EarningsChange<'_>> {
    match event {
        AnyEvent::Payout(host, event) => Some(evolve_payout(*host, event)),
        AnyEvent::Room(..) | AnyEvent::Ticket(..) | AnyEvent::Shop(..) => None,
    }
}

fn evolve_payout(host: UserId, event: &PayoutEvent) -> EarningsChange<'_> {
    match event {
        PayoutEvent::HostApplied { .. }
        | PayoutEvent::HostApproved { .. }
        | PayoutEvent::HostWaitlisted(_)
        | PayoutEvent::HostDeclined(_)
        | PayoutEvent::HostSuspended { .. }
        | PayoutEvent::HostReinstated { .. }
        | PayoutEvent::FactsStated { .. }
        | PayoutEvent::TermsAccepted { .. } => EarningsChange::Stand { host, event },
        PayoutEvent::DestinationLinked { destination, .. } => EarningsChange::LinkDestination { host, destination },
        PayoutEvent::EarningCredited(earning) => EarningsChange::Credit { host, earning },
        PayoutEvent::PayoutScheduleChosen { .. } => EarningsChange::Touch { host },
        PayoutEvent::PayoutRolledOver {
            available,
            rolled_over_at,
            ..
        } => moved(host, MoveStep::RolledOver, *available, *rolled_over_at),
        PayoutEvent::ShareCredited(share) => EarningsChange::CreditShare { host, share },
        PayoutEvent::EarningHeld(held) => of_dispute(host, DisputeStep::Held(held)),
        PayoutEvent::EarningReleased(held) => of_dispute(host, DisputeStep::Released(held)),
        PayoutEvent::EarningReversed(reversed) => of_dispute(host, DisputeStep::Reversed(reversed)),
        PayoutEvent::PayoutRequested {
            payout_id,
            amount,
            requested_at,
            ..
        } => EarningsChange::RequestPayout {
            host,
            payout: *payout_id,
            amount: *amount,
            at: *requested_at,
        },
        PayoutEvent::PayoutSent { payout_id, sent_at, .. } => EarningsChange::SendPayout {
            host,
            payout: *payout_id,
            at: *sent_at,
        },
        PayoutEvent::PayoutPaid {
            payout_id,
            amount,
            paid_at,
        } => finish(host, (*payout_id, *amount), PayoutOutcome::Paid, *paid_at),
        PayoutEvent::PayoutFailed {
            payout_id,
            amount,
            reason,
            failed_at,
        } => finish(
            host,
            (*payout_id, *amount),
            PayoutOutcome::Failed { reason },
            *failed_at,
        ),
        PayoutEvent::PayoutReturned {
            payout_id,
            amount,
            reason,
            returned_at,
        } => finish(
            host,
            (*payout_id, *amount),
            PayoutOutcome::Returned { reason },
            *returned_at,
        ),
        PayoutEvent::EarningsMatured { amount, matured_at } => moved(host, MoveStep::Matured, *amount, *matured_at),
        PayoutEvent::ReserveReleased { amount, released_at } => {
            moved(host, MoveStep::ReserveReleased, *amount, *released_at)
        }
        PayoutEvent::ReceivableNetted { amount, netted_at } => moved(host, MoveStep::Netted, *amount, *netted_at),
    }
}

fn of_dispute(host: UserId, step: DisputeStep<'_>) -> EarningsChange<'_> {
    EarningsChange::Dispute { host, step }
}

const fn moved<'a>(host: UserId, step: MoveStep, amount: Money, at: Timestamp) -> EarningsChange<'a> {
    EarningsChange::Move { host, step, amount, at }
}

const fn finish(
    host: UserId,
    (payout, amount): (PayoutId, Money),
    outcome: PayoutOutcome<'_>,
    at: Timestamp,
) -> EarningsChange<'_> {
    EarningsChange::FinishPayout {
        host,
        payout,
        amount,
        outcome,
        at,
    }
}
