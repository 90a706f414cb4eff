//! The verdict on a room, whatever was seen of it.

use chrono::TimeDelta;
use domain::room::{
    Coming, HostSide, Interruption, InterruptionCause, Missing, PresenceInterval, Promise, Source, Speaking, Verdict,
    VoidReason, coming, judge,
};
use domain::{Currency, Money, UserId};
use proptest::prelude::*;
use uuid::Uuid;

use crate::{at, config};

const PROMISED_MS: u64 = 3_600_000;
const ENDS: i64 = 7_200;

fn promise() -> Promise {
    Promise {
        starts_at: at(0),
        planned_minutes: 60,
        no_show_minutes: 15,
    }
}

fn stay() -> impl Strategy<Value = PresenceInterval> {
    let spans = prop::collection::vec((0..900_i64, 1..900_i64), 0..6);
    (0..ENDS, 0..ENDS, spans).prop_map(|(from, length, spans)| {
        let left = (from + length).min(ENDS);
        let mut end = from;
        let mut speaking = vec![];
        for (pause, length) in spans {
            let (from, until) = (end + pause, (end + pause + length).min(left));
            if from < until {
                speaking.push(Speaking {
                    from: at(from),
                    until: at(until),
                    source: Source::Poll,
                });
            }
            end = until.max(from);
        }
        PresenceInterval {
            user: UserId::from_uuid(Uuid::from_u128(1)),
            ticket_id: None,
            joined_at: at(from),
            left_at: at(left),
            audible_ms: 0,
            joined_by: None,
            left_by: None,
            speaking,
        }
    })
}

fn interruption() -> impl Strategy<Value = Interruption> {
    (0..ENDS, 1..3_600_i64, any::<bool>()).prop_map(|(from, length, is_media)| Interruption {
        from: at(from),
        until: at((from + length).min(ENDS)),
        cause: if is_media {
            InterruptionCause::MediaServer
        } else {
            InterruptionCause::Unwatched
        },
    })
}

fn seen() -> impl Strategy<Value = (Vec<PresenceInterval>, Vec<Interruption>)> {
    (
        prop::collection::vec(stay(), 0..4),
        prop::collection::vec(interruption(), 0..4),
    )
}

/// Second by second: how long anybody was heard.
fn heard_by_counting(stays: &[PresenceInterval]) -> u64 {
    let is_heard = |second: &i64| {
        let moment = at(*second);
        let mut spans = stays.iter().flat_map(|stay| &stay.speaking);
        spans.any(|span| span.from <= moment && moment < span.until)
    };
    u64::try_from((0..ENDS).filter(is_heard).count()).expect("few") * 1_000
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_hosts_side_is_heard_as_long_as_anybody_of_it((stays, _) in seen()) {
        prop_assert_eq!(HostSide::of(&stays).heard_ms(), heard_by_counting(&stays));
    }

    #[test]
    fn a_verdict_follows_the_rules((stays, lost) in seen(), ended in 1..ENDS) {
        let side = HostSide::of(&stays);
        let heard = side.heard_ms();
        let verdict = judge(&promise(), at(0), at(ended), &side, &lost);
        match verdict {
            Verdict::Delivered => prop_assert!(heard > 0),
            Verdict::Crashed(missing) => {
                prop_assert!(heard > 0 && heard * 2 < PROMISED_MS, "less than half");
                prop_assert_eq!((missing.missing_ms, missing.promised_ms), (PROMISED_MS - heard, PROMISED_MS));
                prop_assert!(!lost.is_empty(), "not without a reason of ours");
            }
            Verdict::Void { reason } => {
                prop_assert_eq!(heard, 0);
                prop_assert!(reason == VoidReason::NoShow || !lost.is_empty());
            }
        }
        // Without anything of ours in the way it is the host's.
        let alone = judge(&promise(), at(0), at(ended), &side, &[]);
        let by_choice = if heard > 0 { Verdict::Delivered } else { Verdict::Void { reason: VoidReason::NoShow } };
        prop_assert_eq!(alone, by_choice);
    }

    /// The order in which things were noted down does not matter.
    #[test]
    fn a_verdict_is_of_what_was_seen_and_not_of_its_order((mut stays, mut lost) in seen(), ended in 1..ENDS) {
        let verdict = judge(&promise(), at(0), at(ended), &HostSide::of(&stays), &lost);
        stays.reverse();
        lost.reverse();
        prop_assert_eq!(judge(&promise(), at(0), at(ended), &HostSide::of(&stays), &lost), verdict);
    }

    /// Time goes on until they were heard, or the wait is over; never before it is, and never twice.
    #[test]
    fn a_no_show_is_never_early_and_final((stays, lost) in seen(), now in 0..ENDS) {
        let side = HostSide::of(&stays);
        let look = |second: i64| coming(&promise(), at(0), &side, &lost, at(second));
        match look(now) {
            Coming::Heard => prop_assert!(side.heard_ms() > 0),
            Coming::NoShow => {
                prop_assert!(now >= 15 * 60);
                prop_assert_eq!(side.heard_ms(), 0);
            }
            Coming::Awaited { until } => {
                prop_assert!(until > at(now));
                prop_assert!(until >= at(15 * 60));
                let given = until - at(15 * 60);
                prop_assert!(given <= TimeDelta::seconds(now), "no more than has passed");
            }
        }
    }

    /// What goes back and what stays are all of it, and nobody gets back less than their share.
    #[test]
    fn shares_conserve(amount in 0..1_000_000_000_i64, heard in 1..PROMISED_MS / 2, kind in 0..3_usize) {
        let currency = [Currency::USD, Currency::JPY, Currency::KWD][kind];
        let missing = Missing { missing_ms: PROMISED_MS - heard, promised_ms: PROMISED_MS };
        let back = missing.of(Money::new(amount, currency)).expect("in range").amount_minor();
        prop_assert!((0..=amount).contains(&back));
        let exact = i128::from(amount) * i128::from(missing.missing_ms);
        let told = i128::from(back) * i128::from(PROMISED_MS);
        prop_assert!(told >= exact && told - exact < i128::from(PROMISED_MS), "rounded up, by less than a unit");
    }
}
