//! What accounts of hosts lead to.

use domain::payout::{EarningCredited, Later, PayoutSchedule, RollOverReason, ShareCredited};
use domain::{AnyEvent, Fingerprint, PayoutEvent, PayoutId};
use uuid::Uuid;

use super::{at, jobs, reaction, usd};
use crate::Job;
use crate::tests::world::{HOST, ROOM, ticket};

const PAYOUT: PayoutId = PayoutId::from_uuid(Uuid::from_u128(0xf101));

#[test]
fn only_a_requested_payout_leads_to_something() {
    let (host, payout_id, at) = (HOST, PAYOUT, at(0));
    let amount = usd(894);
    let text = || "whatever".to_owned();
    let requested = PayoutEvent::PayoutRequested {
        payout_id,
        amount,
        provider: "sandbox".to_owned(),
        destination: text(),
        request: Fingerprint::of(b"payout"),
        requested_at: at,
    };
    let send = Job::SendPayout {
        host,
        payout: payout_id,
    };
    assert_eq!(jobs(AnyEvent::Payout(host, requested)), [send]);
    for event in others() {
        let name = event.name();
        assert_eq!(jobs(AnyEvent::Payout(host, event)), [], "{name}");
    }
}

fn others() -> Vec<PayoutEvent> {
    let (host, payout_id, at) = (HOST, PAYOUT, at(0));
    let amount = usd(894);
    let text = || "whatever".to_owned();
    vec![
        PayoutEvent::HostApplied {
            host,
            applied_at: at,
            application: None,
        },
        PayoutEvent::HostApproved {
            host,
            by: Some(host),
            reason: None,
            verdict: None,
            approved_at: at,
        },
        PayoutEvent::DestinationLinked {
            destination: text(),
            linked_at: at,
        },
        PayoutEvent::EarningCredited(earning(None)),
        PayoutEvent::PayoutSent {
            payout_id,
            provider_ref: text(),
            sent_at: at,
        },
        PayoutEvent::PayoutPaid {
            payout_id,
            amount,
            paid_at: at,
        },
        PayoutEvent::PayoutFailed {
            payout_id,
            amount,
            reason: text(),
            failed_at: at,
        },
        PayoutEvent::PayoutRolledOver {
            available: amount,
            minimum: amount,
            reason: RollOverReason::BelowMinimum,
            due_at: at,
            rolled_over_at: at,
        },
        PayoutEvent::PayoutScheduleChosen {
            schedule: PayoutSchedule::OnRequest,
            chosen_at: at,
        },
        PayoutEvent::PayoutReturned {
            payout_id,
            amount,
            reason: text(),
            returned_at: at,
        },
        PayoutEvent::ShareCredited(share()),
        PayoutEvent::EarningsMatured { amount, matured_at: at },
        PayoutEvent::ReserveReleased {
            amount,
            released_at: at,
        },
        PayoutEvent::ReceivableNetted { amount, netted_at: at },
    ]
}

fn share() -> ShareCredited {
    ShareCredited {
        ticket_id: ticket(1),
        room_id: ROOM,
        host: HOST,
        share: usd(894),
        netted: None,
        reserved: None,
        pending: None,
        credited_at: at(0),
    }
}

fn earning(later: Option<Later>) -> EarningCredited {
    let amount = usd(894);
    EarningCredited {
        ticket_id: ticket(1),
        room_id: ROOM,
        gross: amount,
        provider_fee: usd(0),
        platform_fee: usd(0),
        host_share: amount,
        credited_at: at(0),
        tax: None,
        store_fee: None,
        netted: None,
        co_hosts: vec![],
        reserved: later,
        pending: later,
    }
}

#[test]
fn an_earning_that_waits_sets_the_timer_of_its_host() {
    let later = Later {
        amount: usd(400),
        until: at(86_400),
    };
    let ring = Job::MatureEarnings { host: HOST };
    let credited = PayoutEvent::EarningCredited(earning(Some(later)));
    assert_eq!(jobs(AnyEvent::Payout(HOST, credited)), [ring.clone(), ring]);
}

#[test]
fn who_is_paid_by_the_month_has_a_timer() {
    let chosen = PayoutEvent::PayoutScheduleChosen {
        schedule: PayoutSchedule::Monthly,
        chosen_at: at(0),
    };
    let rings = reaction(AnyEvent::Payout(HOST, chosen));
    let first = "2027-02-01T00:00:00Z".parse().unwrap();
    assert_eq!(rings[0].job, Job::PayMonth { host: HOST });
    assert_eq!(rings[0].run_at, Some(first));
}

#[test]
fn rooms_and_payouts_follow_a_suspension() {
    let (host, at) = (HOST, at(0));
    let follow = Job::FollowStanding { host, after: None };
    let (by, reason) = (host, "risk".parse().expect("a label"));
    let suspended = PayoutEvent::HostSuspended {
        by,
        reason,
        suspended_at: at,
    };
    assert_eq!(jobs(AnyEvent::Payout(host, suspended)), std::slice::from_ref(&follow));
    let reinstated = PayoutEvent::HostReinstated {
        by,
        reason: None,
        reinstated_at: at,
    };
    assert_eq!(jobs(AnyEvent::Payout(host, reinstated)), [follow]);
}
