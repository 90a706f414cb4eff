//! Buyers, each with one wish. Ids are as random as real ones: neither a map nor an index may profit from their order.

use domain::room::HoldSeat;
use domain::{Channel, Fingerprint, TicketId, UserId};
use event_log::{Clock as _, Metadata, SystemClock};
use uuid::{Builder, Uuid};

pub(crate) fn buyer_id(number: u64) -> UserId {
    UserId::from_uuid(scattered(number, 2))
}

/// The `number`th buyer's wish for a seat, at this moment.
pub(crate) fn hold(number: u64, request: Fingerprint) -> HoldSeat {
    HoldSeat {
        wish: None,
        rollout: None,
        ticket_id: TicketId::from_uuid(scattered(number, 1)),
        buyer: buyer_id(number),
        channel: Channel::Web,
        options: None,
        request,
        at: SystemClock.now(),
        customer: domain::Customer::NotAsked,
    }
}

/// As long as what the API records: the key's hash is 64 hexadecimal digits.
pub(crate) fn metadata(number: u64) -> Metadata {
    let id = scattered(number, 3);
    let half = id.simple().to_string();
    Metadata::for_actor(buyer_id(number).to_string(), id).with_idempotency_key_sha256(half.repeat(2))
}

/// A random-looking id that is the same every time (splitmix64).
pub(crate) fn scattered(number: u64, kind: u64) -> Uuid {
    let high = mix(number.wrapping_mul(4).wrapping_add(kind));
    let low = mix(high ^ 0x9e37_79b9_7f4a_7c15);
    let bytes = (u128::from(high) << 64 | u128::from(low)).to_be_bytes();
    Builder::from_random_bytes(bytes).into_uuid()
}

const fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
