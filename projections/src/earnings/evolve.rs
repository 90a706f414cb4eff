//! What an event changes in the accounts of hosts.
#![deny(clippy::wildcard_enum_match_arm)]

use domain::{AnyEvent, Money, PayoutEvent, PayoutId, Timestamp, UserId};

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum EarningsChange<'a> {
    Stand {
        host: UserId,
        event: &'a PayoutEvent,
    },
    /// Nothing changed, or totals alone: those follow the lines of the statement.
    Touch {
        host: UserId,
    },
    LinkDestination {
        host: UserId,
        destination: &'a str,
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
        outcome: PayoutOutcome<'a>,
        at: Timestamp,
    },
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
        | PayoutEvent::GuestBanned { .. }
        | PayoutEvent::GuestUnbanned { .. }
        | PayoutEvent::HostReinstated { .. }
        | PayoutEvent::FactsStated { .. }
        | PayoutEvent::TermsAccepted { .. } => EarningsChange::Stand { host, event },
        PayoutEvent::DestinationLinked { destination, .. } => EarningsChange::LinkDestination { host, destination },
        PayoutEvent::EarningCredited(_)
        | PayoutEvent::ShareCredited(_)
        | PayoutEvent::EarningHeld(_)
        | PayoutEvent::EarningReleased(_)
        | PayoutEvent::EarningReversed(_)
        | PayoutEvent::EarningsMatured { .. }
        | PayoutEvent::ReserveReleased { .. }
        | PayoutEvent::ReceivableNetted { .. }
        | PayoutEvent::PayoutScheduleChosen { .. }
        | PayoutEvent::PayoutRolledOver { .. } => EarningsChange::Touch { host },
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
        PayoutEvent::PayoutPaid { payout_id, paid_at, .. } => finish(host, *payout_id, PayoutOutcome::Paid, *paid_at),
        PayoutEvent::PayoutFailed {
            payout_id,
            reason,
            failed_at,
            ..
        } => finish(host, *payout_id, PayoutOutcome::Failed { reason }, *failed_at),
        PayoutEvent::PayoutReturned {
            payout_id,
            reason,
            returned_at,
            ..
        } => finish(host, *payout_id, PayoutOutcome::Returned { reason }, *returned_at),
    }
}

const fn finish(host: UserId, payout: PayoutId, outcome: PayoutOutcome<'_>, at: Timestamp) -> EarningsChange<'_> {
    EarningsChange::FinishPayout {
        host,
        payout,
        outcome,
        at,
    }
}
