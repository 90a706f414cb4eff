//! The flows that the process dies in. A flow that is added here is killed at each of its awaits.

mod earning;
mod people;
mod selling;
mod stores;

use domain::EarningRules;
use domain::payout::PayoutSchedule;
use payments::DisputeStage;

use super::steps::Scene;
use Step::{CardPays, Happen, Hold, Later, Pay, Rest, Schedule, Webhooks};

pub(super) use earning::*;
pub(super) use people::*;
pub(super) use selling::*;
pub(super) use stores::*;

const DAY_SECONDS: u64 = 24 * 60 * 60;
/// The first of a month is among so many days, whenever they begin.
const MONTH_SECONDS: u64 = 32 * DAY_SECONDS;

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
    HoldInTier(u8),
    /// In the tier, by the promo code.
    HoldByCode(u8),
    HoldInStore(u8),
    Join(u8),
    Pay {
        ticket: u8,
        payment: u8,
    },
    /// The buyer's app brings what the store says of the purchase.
    BringReceipt(u8),
    /// The store says so itself.
    StoreTells(u8),
    StoreRefunds(u8),
    Transfer {
        ticket: u8,
        to: u8,
    },
    /// So much, or all that is left.
    Refund(u8, Option<i64>),
    /// To three hours from now.
    Reschedule,
    DeclineReschedule(u8),
    Cancel,
    /// The room opens and ends; its host was heard for so long.
    Happen {
        heard_ms: u64,
    },
    /// The same, and the media server failed for so long up to the end.
    BreakOff {
        heard_ms: u64,
        lost_ms: i64,
    },
    /// An admin takes the room down.
    Moderate,
    RequestPayout,
    RequestAnotherPayout,
    CoHostRequestsPayout,
    ChooseSchedule(PayoutSchedule),
    /// From now on the provider makes no transfer, or makes them again.
    TransfersFail(bool),
    /// So much of the payout in all.
    PayoutComesBack(i64),
    Suspend,
    Reinstate,
    /// The buyer says where letters go.
    Reach(u8),
    Erase(u8),
}

pub(super) struct Flow {
    pub(super) name: &'static str,
    pub(super) price_minor: i64,
    pub(super) seats: u32,
    /// The room has a tier of so many seats, and a code for one of them.
    pub(super) tier_quota: Option<u32>,
    /// Three tenths of what the room earns are somebody else's.
    pub(super) is_shared: bool,
    /// How long an earning waits.
    pub(super) earning: EarningRules,
    pub(super) payout_min_minor: i64,
    /// An app store sells as well.
    pub(super) has_store: bool,
    pub(super) sends_mail: bool,
    /// What went before, undisturbed.
    pub(super) before: &'static [&'static [Step]],
    /// What is killed at each of its awaits.
    pub(super) steps: &'static [Step],
    /// What is done when it is over, so that it leaves the next run alone.
    pub(super) after: &'static [Step],
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
        tier_quota: None,
        is_shared: false,
        earning: EarningRules {
            pending_days: 0,
            reserve: domain::BasisPoints::ZERO,
            reserve_days: 0,
        },
        payout_min_minor: 0,
        has_store: false,
        sends_mail: false,
        before,
        steps,
        after: &[],
    }
}

impl Scene {
    /// What went before.
    pub(super) fn before(&self) -> impl Iterator<Item = Step> + use<> {
        let parts = self.flow.before.iter().flat_map(|part| part.iter().copied());
        [Schedule, Rest].into_iter().chain(parts)
    }

    /// All that earlier runs left behind comes to its end.
    pub(super) fn clear() -> [Step; 2] {
        [Later(DAY_SECONDS), Rest]
    }
}
