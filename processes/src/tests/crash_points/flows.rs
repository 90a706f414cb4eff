//! The flows that the process dies in. A flow that is added here is killed at each of its awaits.

use payments::DisputeStage;

use super::steps::Scene;
use Step::{
    BankSays, Cancel, CardDeclines, CardPays, Happen, Hold, Join, Later, LoseWebhooks, Pay, Refund, RequestPayout,
    Rest, Schedule, Transfer, Webhooks,
};

const DAY_SECONDS: u64 = 24 * 60 * 60;

/// Tickets, and the buyers who hold them, have numbers; so do payments.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// The process does all that is due.
    Rest,
    /// So many seconds pass.
    Later(u64),
    /// The provider sends what it has not been answered for.
    Webhooks,
    LoseWebhooks,
    CardPays(u8),
    CardDeclines(u8),
    BankSays(u8, DisputeStage),
    /// The host is approved, and has a room.
    Schedule,
    Hold(u8),
    Join(u8),
    Pay {
        ticket: u8,
        payment: u8,
    },
    Transfer {
        ticket: u8,
        to: u8,
    },
    /// So much, or all that is left.
    Refund(u8, Option<i64>),
    Cancel,
    /// The room opens and ends; its host was heard for so long.
    Happen {
        heard_ms: u64,
    },
    RequestPayout,
}

pub(super) struct Flow {
    pub(super) name: &'static str,
    pub(super) price_minor: i64,
    pub(super) seats: u32,
    /// What went before, undisturbed.
    pub(super) before: &'static [&'static [Step]],
    /// What is killed at each of its awaits.
    pub(super) steps: &'static [Step],
}

const fn pay(number: u8) -> Step {
    Pay {
        ticket: number,
        payment: number,
    }
}

/// Ticket 1 and 2 are bought.
const FIRST: &[Step] = &[Hold(1), pay(1), CardPays(1), Webhooks, Rest];
const SECOND: &[Step] = &[Hold(2), pay(2), CardPays(2), Webhooks, Rest];
const DELIVERED: &[Step] = &[Happen { heard_ms: 60_000 }, Rest];

const fn flow(name: &'static str, before: &'static [&'static [Step]], steps: &'static [Step]) -> Flow {
    Flow {
        name,
        price_minor: 1_000,
        seats: 5,
        before,
        steps,
    }
}

pub(super) static PURCHASE: Flow = flow("purchase", &[], FIRST);

pub(super) static PURCHASE_WITHOUT_WEBHOOK: Flow = flow(
    "purchase_without_webhook",
    &[&[Hold(1)]],
    &[pay(1), CardPays(1), LoseWebhooks, Rest],
);

pub(super) static SECOND_TRY: Flow = flow(
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

pub(super) static CHARGED_TWICE: Flow = flow(
    "charged_twice",
    &[&[Hold(1), pay(1), Pay { ticket: 1, payment: 2 }, CardPays(1), CardPays(2)]],
    &[Webhooks, Rest],
);

pub(super) static FREE_SEAT: Flow = Flow {
    price_minor: 0,
    ..flow("free_seat", &[], &[Hold(1), pay(1), Rest])
};

/// The seat is another's by then.
pub(super) static LATE_PAYMENT: Flow = Flow {
    seats: 1,
    ..flow(
        "late_payment",
        &[&[Hold(1), pay(1), CardPays(1), Later(301), Hold(2)]],
        &[Webhooks, Rest],
    )
};

pub(super) static LAPSE: Flow = Flow {
    seats: 1,
    ..flow("lapse", &[&[Hold(1), pay(1), Join(2), Rest]], &[Later(301), Rest])
};

pub(super) static REFUND: Flow = flow("refund", &[FIRST], &[Refund(1, None), Rest]);

pub(super) static PARTIAL_REFUND: Flow = flow("partial_refund", &[FIRST], &[Refund(1, Some(300)), Rest]);

pub(super) static TRANSFER: Flow = flow("transfer", &[FIRST], &[Transfer { ticket: 1, to: 2 }, Rest]);

pub(super) static CANCEL: Flow = flow("cancel", &[FIRST, SECOND, &[Hold(3), pay(3), Rest]], &[Cancel, Rest]);

pub(super) static NOT_DELIVERED: Flow = flow("not_delivered", &[FIRST], &[Happen { heard_ms: 0 }, Rest]);

pub(super) static PAYOUT: Flow = flow(
    "payout",
    &[FIRST, SECOND],
    &[Happen { heard_ms: 60_000 }, Rest, RequestPayout, Rest],
);

pub(super) static DISPUTE_WON: Flow = flow(
    "dispute_won",
    &[FIRST, DELIVERED],
    &[
        BankSays(1, DisputeStage::Opened),
        Webhooks,
        Rest,
        BankSays(1, DisputeStage::Won),
        Webhooks,
        Rest,
    ],
);

pub(super) static DISPUTE_WON_BEFORE_THE_SALE_WAS_EARNED: Flow = flow(
    "dispute_won_before_the_sale_was_earned",
    &[FIRST, &[BankSays(1, DisputeStage::Opened), Webhooks, Rest], DELIVERED],
    &[BankSays(1, DisputeStage::Won), Webhooks, Rest],
);

/// The seat is another's by then, and the bank has the money when it is to go back.
pub(super) static DISPUTE_WON_FOR_A_SEAT_THAT_WAS_GONE: Flow = Flow {
    seats: 1,
    ..flow(
        "dispute_won_for_a_seat_that_was_gone",
        &[
            &[Hold(1), pay(1), CardPays(1), Later(301), Hold(2)],
            &[BankSays(1, DisputeStage::Opened), Webhooks, Rest],
        ],
        &[BankSays(1, DisputeStage::Won), Webhooks, Rest],
    )
};

pub(super) static DISPUTE_LOST: Flow = flow(
    "dispute_lost",
    &[FIRST],
    &[
        BankSays(1, DisputeStage::Opened),
        Webhooks,
        Rest,
        BankSays(1, DisputeStage::Lost),
        Webhooks,
        Rest,
    ],
);

pub(super) static DISPUTE_LOST_AFTER_THE_PAYOUT: Flow = flow(
    "dispute_lost_after_the_payout",
    &[
        FIRST,
        DELIVERED,
        &[RequestPayout, Rest],
        &[BankSays(1, DisputeStage::Opened), Webhooks, Rest],
    ],
    &[BankSays(1, DisputeStage::Lost), Webhooks, Rest],
);

impl Scene {
    /// What went before. First all that earlier runs left behind comes to its end.
    pub(super) fn before(&self) -> impl Iterator<Item = Step> + use<> {
        let parts = self.flow.before.iter().flat_map(|part| part.iter().copied());
        [Later(DAY_SECONDS), Rest, Schedule, Rest].into_iter().chain(parts)
    }
}
