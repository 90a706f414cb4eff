//! What an app store collects, and gives back.

use super::Step::{BringReceipt, Cancel, HoldInStore, Rest, StoreRefunds, StoreTells};
use super::{DELIVERED, Flow, Step, flow, pay};

/// Ticket 1 is bought in the store.
const BOUGHT: &[Step] = &[HoldInStore(1), pay(1), BringReceipt(1), Rest];
/// What is owed to somebody who bought in a store leaves when the store says so, not by itself.
const GIVEN_BACK: &[Step] = &[Cancel, Rest, StoreRefunds(1), Rest];

const fn in_store(name: &'static str, before: &'static [&'static [Step]], steps: &'static [Step]) -> Flow {
    Flow {
        has_store: true,
        ..flow(name, before, steps)
    }
}

pub(in super::super) static STORE_PURCHASE: Flow = Flow {
    after: GIVEN_BACK,
    ..in_store("store_purchase", &[], BOUGHT)
};

/// The app never comes back.
pub(in super::super) static STORE_PURCHASE_BY_NOTICE: Flow = Flow {
    after: GIVEN_BACK,
    ..in_store(
        "store_purchase_by_notice",
        &[&[HoldInStore(1), pay(1)]],
        &[StoreTells(1), Rest],
    )
};

pub(in super::super) static STORE_REFUND: Flow = in_store("store_refund", &[BOUGHT], &[StoreRefunds(1), Rest]);

/// It was owed already.
pub(in super::super) static STORE_REFUND_OF_A_CANCELLED_ROOM: Flow = in_store(
    "store_refund_of_a_cancelled_room",
    &[BOUGHT],
    &[Cancel, Rest, StoreRefunds(1), Rest],
);

pub(in super::super) static STORE_REFUND_AFTER_IT_WAS_EARNED: Flow = in_store(
    "store_refund_after_it_was_earned",
    &[BOUGHT, DELIVERED],
    &[StoreRefunds(1), Rest],
);
