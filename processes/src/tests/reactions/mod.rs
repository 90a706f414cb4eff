//! Each event leads to exactly these jobs.

mod outgoing;
mod payout;
mod room;
mod ticket;

use domain::{AnyEvent, BasisPoints, Channel, Currency, Money, RefundPolicy, Terms, Timestamp};
use event_log::{Metadata, Recorded};
use uuid::Uuid;

use crate::{Job, NewJob, ProcessSettings, react};

const POSITION: u64 = 42;

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

pub(super) const fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

fn recorded(event: AnyEvent) -> Recorded {
    Recorded {
        position: POSITION,
        sequence: 1,
        recorded_at: at(0),
        metadata: Metadata::for_actor("test", Uuid::from_u128(5)),
        event,
    }
}

pub(super) fn reaction(event: AnyEvent) -> Vec<NewJob> {
    react(&recorded(event), &ProcessSettings::default())
}

pub(super) fn jobs(event: AnyEvent) -> Vec<Job> {
    let new = reaction(event);
    for new in &new {
        assert_eq!(new.caused_by, POSITION);
        assert_eq!(new.correlation_id, Uuid::from_u128(5));
    }
    new.into_iter().map(|new| new.job).collect()
}

pub(super) fn terms(total: Money) -> Terms {
    Terms {
        preset: "open".to_owned(),
        preset_version: 1,
        total,
        tax: Money::zero(total.currency()),
        channel: Channel::Web,
        platform_fee: BasisPoints::ZERO,
        refund_policy: RefundPolicy::None,
        legal_terms_sha256: None,
        pricing: None,
        customer_country: None,
        rules: domain::SaleRules::default(),
    }
}
