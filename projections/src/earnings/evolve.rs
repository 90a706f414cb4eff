//! What an event changes in the accounts of hosts.
#![deny(clippy::wildcard_enum_match_arm)]

use domain::payout::{EarningCredited, EarningReversed, HeldEarning};
use domain::{AnyEvent, Money, PayoutEvent, PayoutId, Timestamp, UserId};

use super::Standing;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum EarningsChange<'a> {
    Stand {
        host: UserId,
        standing: Standing,
    },
    LinkDestination {
        host: UserId,
        destination: &'a str,
    },
    Credit {
        host: UserId,
        earning: &'a EarningCredited,
    },
    Dispute {
        host: UserId,
        step: DisputeStep<'a>,
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
pub(crate) enum PayoutOutcome<'a> {
    Paid,
    Failed { reason: &'a str },
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
        PayoutEvent::HostApplied { .. } => EarningsChange::Stand {
            host,
            standing: Standing::Applied,
        },
        PayoutEvent::HostApproved { .. } => EarningsChange::Stand {
            host,
            standing: Standing::Approved,
        },
        PayoutEvent::DestinationLinked { destination, .. } => EarningsChange::LinkDestination { host, destination },
        PayoutEvent::EarningCredited(earning) => EarningsChange::Credit { host, earning },
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
        } => EarningsChange::FinishPayout {
            host,
            payout: *payout_id,
            amount: *amount,
            outcome: PayoutOutcome::Paid,
            at: *paid_at,
        },
        PayoutEvent::PayoutFailed {
            payout_id,
            amount,
            reason,
            failed_at,
        } => EarningsChange::FinishPayout {
            host,
            payout: *payout_id,
            amount: *amount,
            outcome: PayoutOutcome::Failed { reason },
            at: *failed_at,
        },
    }
}

fn of_dispute(host: UserId, step: DisputeStep<'_>) -> EarningsChange<'_> {
    EarningsChange::Dispute { host, step }
}
