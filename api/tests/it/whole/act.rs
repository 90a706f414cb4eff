//! What anybody may do at any moment: buyers, the host, the admin, the bank, the provider, and time. An act that is added
//! here takes part in every story.
//!
//! Whoever or whatever an act names by a number is one of those that are there, counted around; with none there, nothing is
//! done.

use proptest::prelude::*;
use stripe_fake::Fault;

/// How the buyer's card behaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum CardKind {
    Pays,
    Declined,
    /// The bank asks the buyer.
    Asks,
    /// The buyer goes away, and may come back.
    Unused,
}

/// What a buyer asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Wish {
    Plain,
    /// A seat of the room's tier, if it has one.
    Tier,
    /// The same by the promo code, of which there is one.
    Code,
    /// Through an app store.
    Store,
}

/// How the shop hears of what a store has collected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum StoreWord {
    /// The buyer's app brings the receipt.
    Receipt,
    Notice,
    Both,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum By {
    Buyer,
    Host,
    Admin,
}

/// What becomes of the webhooks that were not sent yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Post {
    Comes,
    ComesTwice,
    ComesBackwards,
    IsLost,
}

/// Calls of the provider that can have a bad day.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Call {
    CreateIntent,
    FindIntent,
    Refund,
    Transfer,
    ListEvents,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Act {
    Hold {
        room: u8,
        buyer: u8,
        wish: Wish,
        waits_if_late: bool,
    },
    /// Starts a payment of one of the buyer's tickets, and uses the card.
    Pay {
        buyer: u8,
        pick: u8,
        card: CardKind,
    },
    /// Uses a card for a payment that was started before.
    Confirm {
        pick: u8,
        card: CardKind,
    },
    AnswerBank {
        pick: u8,
        is_yes: bool,
    },
    Release {
        buyer: u8,
        pick: u8,
    },
    Join {
        room: u8,
        buyer: u8,
    },
    Leave {
        room: u8,
        buyer: u8,
    },
    Transfer {
        buyer: u8,
        pick: u8,
        to: u8,
    },
    /// So many hundredths of the price, or all that is left.
    Refund {
        buyer: u8,
        pick: u8,
        by: By,
        percent: Option<u8>,
    },
    DeclineReschedule {
        buyer: u8,
        pick: u8,
    },
    Enter {
        buyer: u8,
        pick: u8,
    },
    Pause {
        room: u8,
    },
    Resume {
        room: u8,
    },
    Revise {
        room: u8,
        capacity: u8,
        price_minor: u16,
    },
    Reschedule {
        room: u8,
        minutes: u16,
    },
    Cancel {
        room: u8,
    },
    Open {
        room: u8,
    },
    End {
        room: u8,
        is_heard: bool,
    },
    /// A buyer goes to the bank.
    Dispute {
        pick: u8,
    },
    CloseDispute {
        pick: u8,
        is_won: bool,
    },
    RequestPayout {
        /// Or who shares the host's rooms.
        by_host: bool,
        minor: Option<u16>,
    },
    /// A transfer, or so many hundredths of what is left of it, comes back.
    TransferBack {
        pick: u8,
        percent: u8,
    },
    PaidByTheMonth(bool),
    /// An admin suspends the host, or reinstates them.
    Suspend(bool),
    /// What stores have collected is told.
    StoreTells(StoreWord),
    StoreRefunds {
        pick: u8,
    },
    /// The mail server sends so many letters away, or takes them and hangs up before it says so.
    MailServer {
        is_busy: bool,
        times: u8,
    },
    EndRefund {
        pick: u8,
        does_fail: bool,
    },
    RefundsWait(bool),
    Webhooks(Post),
    BadDay {
        call: Call,
        fault: Fault,
        times: u8,
    },
    Later {
        seconds: u16,
    },
    /// Into the next month.
    NextMonth,
    /// Nobody does anything until all that is due is done.
    Quiet,
}

/// A room to play in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Plan {
    pub(super) price_minor: u16,
    pub(super) capacity: u8,
    pub(super) tickets_per_buyer: u8,
    /// Of a cheaper tier, and of a code that halves its price; none of both, if 0.
    pub(super) tier_quota: u8,
    /// With somebody who has three tenths.
    pub(super) is_shared: bool,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Story {
    /// Earnings are pending for days, and a part of each is kept in the reserve.
    pub(super) earnings_wait: bool,
    pub(super) rooms: Vec<Plan>,
    pub(super) acts: Vec<Act>,
}

pub(super) fn stories(acts_max: usize) -> impl Strategy<Value = Story> {
    let rooms = prop::collection::vec(plan(), 1..=2);
    let pieces = prop_oneof![9 => act().prop_map(|act| vec![act]), 6 => turn()];
    let acts = prop::collection::vec(pieces, 1..=acts_max);
    (any::<bool>(), rooms, acts).prop_map(|(earnings_wait, rooms, acts)| Story {
        earnings_wait,
        rooms,
        acts: acts.concat(),
    })
}

fn plan() -> impl Strategy<Value = Plan> {
    let price = prop_oneof![1 => Just(0), 3 => Just(1_000), 1 => Just(333)];
    (price, 1..=3_u8, 1..=2_u8, 0..=2_u8, any::<bool>()).prop_map(
        |(price_minor, capacity, tickets_per_buyer, tier_quota, is_shared)| Plan {
            price_minor,
            capacity,
            tickets_per_buyer,
            tier_quota,
            is_shared,
        },
    )
}

/// What usually comes one after the other: chance alone would seldom get as far as a payout.
fn turn() -> impl Strategy<Value = Vec<Act>> {
    let purchase = (0..2_u8, number(), wish(), word()).prop_map(|(room, buyer, wish, word)| {
        let (waits_if_late, card) = (false, CardKind::Pays);
        vec![
            Act::Hold {
                room,
                buyer,
                wish,
                waits_if_late,
            },
            Act::Pay { buyer, pick: 0, card },
            Act::Webhooks(Post::Comes),
            Act::StoreTells(word),
        ]
    });
    let evening = (0..2_u8, any::<bool>()).prop_map(|(room, by_host)| {
        let (is_heard, minor) = (true, None);
        vec![
            Act::Quiet,
            Act::Open { room },
            Act::End { room, is_heard },
            Act::Quiet,
            Act::RequestPayout { by_host, minor },
        ]
    });
    let quarrel = (number(), any::<bool>()).prop_map(|(pick, is_won)| {
        let told = || Act::Webhooks(Post::Comes);
        vec![
            Act::Dispute { pick },
            told(),
            Act::CloseDispute { pick, is_won },
            told(),
        ]
    });
    let payday = (any::<bool>(), 1..=100_u8).prop_map(|(by_host, percent)| {
        let (minor, pick) = (None, 0);
        vec![
            Act::RequestPayout { by_host, minor },
            Act::Quiet,
            Act::TransferBack { pick, percent },
        ]
    });
    let month = Just(vec![Act::PaidByTheMonth(true), Act::NextMonth]);
    prop_oneof![8 => purchase, 2 => evening, 1 => quarrel, 1 => payday, 1 => month]
}

fn word() -> impl Strategy<Value = StoreWord> {
    prop_oneof![Just(StoreWord::Receipt), Just(StoreWord::Notice), Just(StoreWord::Both)]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![12 => buying(), 5 => having(), 3 => hosting(), 4 => banking(), 3 => providing(), 2 => passing()]
}

fn number() -> impl Strategy<Value = u8> {
    0..4_u8
}

fn card() -> impl Strategy<Value = CardKind> {
    prop_oneof![
        6 => Just(CardKind::Pays),
        1 => Just(CardKind::Declined),
        1 => Just(CardKind::Asks),
        2 => Just(CardKind::Unused),
    ]
}

fn wish() -> impl Strategy<Value = Wish> {
    prop_oneof![
        6 => Just(Wish::Plain),
        2 => Just(Wish::Tier),
        1 => Just(Wish::Code),
        2 => Just(Wish::Store),
    ]
}

fn buying() -> impl Strategy<Value = Act> {
    let room = 0..2_u8;
    prop_oneof![
        6 => (room.clone(), number(), wish(), any::<bool>())
            .prop_map(|(room, buyer, wish, waits_if_late)| Act::Hold { room, buyer, wish, waits_if_late }),
        7 => (number(), number(), card()).prop_map(|(buyer, pick, card)| Act::Pay { buyer, pick, card }),
        2 => (number(), card()).prop_map(|(pick, card)| Act::Confirm { pick, card }),
        1 => (number(), any::<bool>()).prop_map(|(pick, is_yes)| Act::AnswerBank { pick, is_yes }),
        1 => (number(), number()).prop_map(|(buyer, pick)| Act::Release { buyer, pick }),
        3 => (room.clone(), number()).prop_map(|(room, buyer)| Act::Join { room, buyer }),
        1 => (room, number()).prop_map(|(room, buyer)| Act::Leave { room, buyer }),
    ]
}

fn having() -> impl Strategy<Value = Act> {
    let by = prop_oneof![Just(By::Buyer), Just(By::Host), Just(By::Admin)];
    let percent = prop_oneof![1 => Just(None), 1 => (1..=100_u8).prop_map(Some)];
    prop_oneof![
        2 => (number(), number(), number()).prop_map(|(buyer, pick, to)| Act::Transfer { buyer, pick, to }),
        4 => (number(), number(), by, percent)
            .prop_map(|(buyer, pick, by, percent)| Act::Refund { buyer, pick, by, percent }),
        1 => (number(), number()).prop_map(|(buyer, pick)| Act::DeclineReschedule { buyer, pick }),
        1 => (number(), number()).prop_map(|(buyer, pick)| Act::Enter { buyer, pick }),
    ]
}

fn hosting() -> impl Strategy<Value = Act> {
    let room = 0..2_u8;
    prop_oneof![
        2 => room.clone().prop_map(|room| Act::Pause { room }),
        3 => room.clone().prop_map(|room| Act::Resume { room }),
        2 => (room.clone(), 1..=4_u8, 1..=20_u16)
            .prop_map(|(room, capacity, dimes)| Act::Revise { room, capacity, price_minor: dimes * 100 }),
        2 => (room.clone(), 1..=600_u16).prop_map(|(room, minutes)| Act::Reschedule { room, minutes }),
        1 => room.clone().prop_map(|room| Act::Cancel { room }),
        3 => room.clone().prop_map(|room| Act::Open { room }),
        4 => (room, prop_oneof![4 => Just(true), 1 => Just(false)])
            .prop_map(|(room, is_heard)| Act::End { room, is_heard }),
        2 => prop_oneof![1 => Just(true), 3 => Just(false)].prop_map(Act::Suspend),
    ]
}

fn banking() -> impl Strategy<Value = Act> {
    let minor = prop_oneof![Just(None), (1..2_000_u16).prop_map(Some)];
    prop_oneof![
        2 => number().prop_map(|pick| Act::Dispute { pick }),
        2 => (number(), any::<bool>()).prop_map(|(pick, is_won)| Act::CloseDispute { pick, is_won }),
        3 => (any::<bool>(), minor).prop_map(|(by_host, minor)| Act::RequestPayout { by_host, minor }),
        1 => (number(), 1..=100_u8).prop_map(|(pick, percent)| Act::TransferBack { pick, percent }),
        1 => any::<bool>().prop_map(Act::PaidByTheMonth),
        1 => (number(), any::<bool>()).prop_map(|(pick, does_fail)| Act::EndRefund { pick, does_fail }),
        1 => any::<bool>().prop_map(Act::RefundsWait),
    ]
}

fn providing() -> impl Strategy<Value = Act> {
    let post = prop_oneof![
        Just(Post::Comes),
        Just(Post::ComesTwice),
        Just(Post::ComesBackwards),
        Just(Post::IsLost)
    ];
    let call = prop_oneof![
        3 => Just(Call::CreateIntent),
        1 => Just(Call::FindIntent),
        3 => Just(Call::Refund),
        2 => Just(Call::Transfer),
        1 => Just(Call::ListEvents),
    ];
    let fault = prop_oneof![
        Just(Fault::RateLimit { retry_after: None }),
        Just(Fault::InUse),
        Just(Fault::Fail),
        any::<bool>().prop_map(|is_carried_out| Fault::FailAndRemember { is_carried_out }),
        Just(Fault::Garble),
        Just(Fault::LoseAnswer),
        Just(Fault::LoseRequest),
    ];
    prop_oneof![
        3 => post.prop_map(Act::Webhooks),
        2 => word().prop_map(Act::StoreTells),
        1 => number().prop_map(|pick| Act::StoreRefunds { pick }),
        1 => (any::<bool>(), 1..=3_u8).prop_map(|(is_busy, times)| Act::MailServer { is_busy, times }),
        2 => (call, fault, 1..=3_u8).prop_map(|(call, fault, times)| Act::BadDay { call, fault, times }),
    ]
}

fn passing() -> impl Strategy<Value = Act> {
    let seconds = prop_oneof![3 => 1..30_u16, 3 => 30..400_u16, 1 => Just(3_700)];
    prop_oneof![11 => seconds.prop_map(|seconds| Act::Later { seconds }), 1 => Just(Act::NextMonth)]
}
