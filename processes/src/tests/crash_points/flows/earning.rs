//! What hosts earn, wait for, are paid, and give back.

use domain::payout::PayoutSchedule;
use domain::{BasisPoints, EarningRules};
use payments::DisputeStage;

use super::Step::{
    BankSays, CardPays, ChooseSchedule, CoHostRequestsPayout, Happen, Hold, Later, PayoutComesBack,
    RequestAnotherPayout, RequestPayout, Rest, TransfersFail, Webhooks,
};
use super::{DAY_SECONDS, DELIVERED, FIRST, Flow, MONTH_SECONDS, SECOND, Step, flow, pay};

pub(in super::super) static PAYOUT: Flow = flow(
    "payout",
    &[FIRST, SECOND],
    &[Happen { heard_ms: 60_000 }, Rest, RequestPayout, Rest],
);

pub(in super::super) static DISPUTE_WON: Flow = flow(
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

pub(in super::super) static DISPUTE_WON_BEFORE_THE_SALE_WAS_EARNED: Flow = flow(
    "dispute_won_before_the_sale_was_earned",
    &[FIRST, &[BankSays(1, DisputeStage::Opened), Webhooks, Rest], DELIVERED],
    &[BankSays(1, DisputeStage::Won), Webhooks, Rest],
);

/// The seat is another's by then, and the bank has the money when it is to go back.
pub(in super::super) static DISPUTE_WON_FOR_A_SEAT_THAT_WAS_GONE: Flow = Flow {
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

pub(in super::super) static DISPUTE_LOST: Flow = flow(
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

pub(in super::super) static DISPUTE_LOST_AFTER_THE_PAYOUT: Flow = flow(
    "dispute_lost_after_the_payout",
    &[
        FIRST,
        DELIVERED,
        &[RequestPayout, Rest],
        &[BankSays(1, DisputeStage::Opened), Webhooks, Rest],
    ],
    &[BankSays(1, DisputeStage::Lost), Webhooks, Rest],
);

/// 10.00 less the provider's 0.59, and five per cent of that.
const EARNED_MINOR: i64 = 894;
const PAID: &[Step] = &[RequestPayout, Rest];

/// The money is available again, and asked for again.
pub(in super::super) static PAYOUT_FAILED: Flow = Flow {
    after: &[TransfersFail(false)],
    ..flow(
        "payout_failed",
        &[FIRST, DELIVERED, &[TransfersFail(true)]],
        &[RequestPayout, Rest, TransfersFail(false), RequestAnotherPayout, Rest],
    )
};

pub(in super::super) static PAYOUT_RETURNED: Flow = flow(
    "payout_returned",
    &[FIRST, DELIVERED, PAID],
    &[
        PayoutComesBack(400),
        Webhooks,
        Rest,
        PayoutComesBack(EARNED_MINOR),
        Webhooks,
        Rest,
    ],
);

const fn monthly(name: &'static str, payout_min_minor: i64) -> Flow {
    Flow {
        payout_min_minor,
        after: &[ChooseSchedule(PayoutSchedule::OnRequest), Later(MONTH_SECONDS), Rest],
        ..flow(
            name,
            &[FIRST, DELIVERED],
            &[ChooseSchedule(PayoutSchedule::Monthly), Later(MONTH_SECONDS), Rest],
        )
    }
}

pub(in super::super) static MONTHLY_PAYOUT: Flow = monthly("monthly_payout", 1);

pub(in super::super) static MONTHLY_PAYOUT_ROLLS_OVER: Flow = monthly("monthly_payout_rolls_over", EARNED_MINOR + 1);

/// Both are over within the flow.
pub(in super::super) static PENDING_AND_RESERVE: Flow = Flow {
    earning: EarningRules {
        pending_days: 7,
        reserve: BasisPoints::try_new(500).unwrap(),
        reserve_days: 30,
    },
    ..flow(
        "pending_and_reserve",
        &[FIRST],
        &[
            Happen { heard_ms: 60_000 },
            Rest,
            Later(8 * DAY_SECONDS),
            Rest,
            Later(31 * DAY_SECONDS),
            Rest,
        ],
    )
};

const fn shared(name: &'static str, before: &'static [&'static [Step]], steps: &'static [Step]) -> Flow {
    Flow {
        is_shared: true,
        ..flow(name, before, steps)
    }
}

pub(in super::super) static SHARES: Flow = shared("shares", &[FIRST], DELIVERED);

pub(in super::super) static SHARED_DISPUTE_WON: Flow = shared(
    "shared_dispute_won",
    &[FIRST, DELIVERED, &[BankSays(1, DisputeStage::Opened), Webhooks, Rest]],
    &[BankSays(1, DisputeStage::Won), Webhooks, Rest],
);

/// What is gone is owed.
pub(in super::super) static SHARED_DISPUTE_LOST_AFTER_THE_PAYOUT: Flow = shared(
    "shared_dispute_lost_after_the_payout",
    &[FIRST, DELIVERED, &[CoHostRequestsPayout, Rest]],
    &[
        BankSays(1, DisputeStage::Opened),
        Webhooks,
        Rest,
        BankSays(1, DisputeStage::Lost),
        Webhooks,
        Rest,
    ],
);
