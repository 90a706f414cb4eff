//! Buying a seat and giving it back.

use payments::DisputeStage;

use super::Step::{
    BankSays, BreakOff, Cancel, CardDeclines, CardPays, DeclineReschedule, Happen, Hold, HoldByCode, HoldInTier, Join,
    Later, LoseWebhooks, Moderate, Pay, Refund, Reschedule, Rest, Transfer, Webhooks,
};
use super::{FIRST, Flow, SECOND, Step, flow, pay};

/// From the scheduling of a room to the end of the wait for its host.
const HOUR_AND_A_QUARTER_SECONDS: u64 = 75 * 60;

pub(in super::super) static PURCHASE: Flow = flow("purchase", &[], FIRST);

pub(in super::super) static PURCHASE_WITHOUT_WEBHOOK: Flow = flow(
    "purchase_without_webhook",
    &[&[Hold(1)]],
    &[pay(1), CardPays(1), LoseWebhooks, Rest],
);

pub(in super::super) static SECOND_TRY: Flow = flow(
    "second_try",
    &[&[Hold(1), pay(1)]],
    &[
        CardDeclines(1),
        Webhooks,
        Rest,
        Pay { ticket: 1, payment: 2 },
        CardPays(2),
        Webhooks,
        Rest,
    ],
);

pub(in super::super) static CHARGED_TWICE: Flow = flow(
    "charged_twice",
    &[&[Hold(1), pay(1), Pay { ticket: 1, payment: 2 }, CardPays(1), CardPays(2)]],
    &[Webhooks, Rest],
);

pub(in super::super) static FREE_SEAT: Flow = Flow {
    price_minor: 0,
    ..flow("free_seat", &[], &[Hold(1), pay(1), Rest])
};

/// The seat is another's by then.
pub(in super::super) static LATE_PAYMENT: Flow = Flow {
    seats: 1,
    ..flow(
        "late_payment",
        &[&[Hold(1), pay(1), CardPays(1), Later(301), Hold(2)]],
        &[Webhooks, Rest],
    )
};

pub(in super::super) static LAPSE: Flow = Flow {
    seats: 1,
    ..flow("lapse", &[&[Hold(1), pay(1), Join(2), Rest]], &[Later(301), Rest])
};

pub(in super::super) static REFUND: Flow = flow("refund", &[FIRST], &[Refund(1, None), Rest]);

pub(in super::super) static PARTIAL_REFUND: Flow = flow("partial_refund", &[FIRST], &[Refund(1, Some(300)), Rest]);

pub(in super::super) static TRANSFER: Flow = flow("transfer", &[FIRST], &[Transfer { ticket: 1, to: 2 }, Rest]);

pub(in super::super) static CANCEL: Flow = flow("cancel", &[FIRST, SECOND, &[Hold(3), pay(3), Rest]], &[Cancel, Rest]);

pub(in super::super) static NOT_DELIVERED: Flow = flow("not_delivered", &[FIRST], &[Happen { heard_ms: 0 }, Rest]);

/// Nobody opens it.
pub(in super::super) static NO_SHOW: Flow = flow(
    "no_show",
    &[FIRST, &[Hold(2)]],
    &[Later(HOUR_AND_A_QUARTER_SECONDS), Rest],
);

/// A quarter of it was heard.
const BREAKS_OFF: Step = BreakOff {
    heard_ms: 900_000,
    lost_ms: 600_000,
};

pub(in super::super) static BROKEN_OFF: Flow = flow("broken_off", &[FIRST, SECOND], &[BREAKS_OFF, Rest]);

pub(in super::super) static TAKEN_DOWN: Flow = flow("taken_down", &[FIRST, &[Hold(2)]], &[Moderate, Rest]);

/// The bank had the money when the room was judged.
pub(in super::super) static DISPUTE_WON_AFTER_THE_ROOM_BROKE_OFF: Flow = flow(
    "dispute_won_after_the_room_broke_off",
    &[
        FIRST,
        &[BankSays(1, DisputeStage::Opened), Webhooks, Rest, BREAKS_OFF, Rest],
    ],
    &[BankSays(1, DisputeStage::Won), Webhooks, Rest],
);

pub(in super::super) static TIER_WITH_A_CODE: Flow = Flow {
    tier_quota: Some(1),
    ..flow(
        "tier_with_a_code",
        &[],
        &[HoldByCode(1), pay(1), CardPays(1), Webhooks, Rest],
    )
};

/// What the seat took of its tier is another's to have.
pub(in super::super) static REFUND_IN_A_FULL_TIER: Flow = Flow {
    tier_quota: Some(1),
    ..flow(
        "refund_in_a_full_tier",
        &[&[HoldByCode(1), pay(1), CardPays(1), Webhooks, Rest]],
        &[Refund(1, None), Rest, HoldInTier(2)],
    )
};

/// The room has seats, and the tier has none by then.
pub(in super::super) static LATE_PAYMENT_IN_A_FULL_TIER: Flow = Flow {
    tier_quota: Some(1),
    ..flow(
        "late_payment_in_a_full_tier",
        &[&[HoldInTier(1), pay(1), CardPays(1), Later(301), HoldInTier(2)]],
        &[Webhooks, Rest],
    )
};

pub(in super::super) static RESCHEDULE_DECLINED: Flow = flow(
    "reschedule_declined",
    &[FIRST, SECOND],
    &[Reschedule, Rest, DeclineReschedule(1), Rest],
);

/// There is no money in it, and its seat is free all the same.
pub(in super::super) static FREE_SEAT_RETURNED: Flow = Flow {
    price_minor: 0,
    seats: 1,
    ..flow(
        "free_seat_returned",
        &[&[Hold(1), pay(1), Join(2), Rest, Reschedule, Rest]],
        &[DeclineReschedule(1), Rest],
    )
};
