//! Hosts' accounts: paid and on its way is never more than was earned.

use std::cell::RefCell;
use std::collections::BTreeMap;

use domain::fees::PlatformFee;
use domain::payout::{
    ApplyAsHost, DecideOnHost, DisputedEarning, DisputedShare, EarningCredited, EarningReversed, HeldEarning, Later,
    MonthlyPayout, PayoutSchedule, RequestPayout, ReturnedPayout, SettledSale, SharedEarning,
};
use domain::{
    BasisPoints, Currency, EarningRules, Fingerprint, HostFacts, Money, Payout, PayoutCommand, PayoutEvent, PayoutId,
    Preset, RoomId, Share, TicketId, Timestamp, UserId,
};
use proptest::prelude::*;
use uuid::Uuid;

use crate::{at, config, run};

const DAY: i64 = 86_400;

fn command() -> impl Strategy<Value = PayoutCommand> {
    let currency = prop::sample::select(vec![Currency::USD, Currency::JPY, Currency::KWD]);
    let amount = prop_oneof![Just(None), (-10..400_i64).prop_map(Some)];
    let time = (0..12_i64).prop_map(|day| at(day * DAY));
    (0..6_u128, 0..34_u8, -1..300_i64, currency, amount, time).prop_map(
        |(number, kind, share, currency, amount, at)| {
            let payout_id = PayoutId::from_uuid(Uuid::from_u128(number));
            let host = UserId::from_uuid(Uuid::from_u128(1));
            match kind {
                0 => apply(number, host, at),
                1 | 2 => PayoutCommand::Approve(decision(host, at)),
                30.. => standing(kind, host, at),
                3 => PayoutCommand::LinkDestination {
                    destination: format!("acct_{}", number % 2),
                    at,
                },
                4..=6 => PayoutCommand::CreditEarning(Box::new(sale(number, Money::new(share, currency), at))),
                7..=9 => {
                    let amount = amount.map(|amount| Money::new(amount, currency));
                    PayoutCommand::RequestPayout(request(payout_id, currency, amount, at))
                }
                10 => PayoutCommand::RecordSent {
                    payout_id,
                    provider_ref: "tr".to_owned(),
                    at,
                },
                11 | 12 => PayoutCommand::RecordFailed {
                    payout_id,
                    reason: "no".to_owned(),
                    at,
                },
                14 | 15 => PayoutCommand::HoldEarning(disputed(number, share, currency, at)),
                16 => PayoutCommand::ReleaseEarning(disputed(number, share, currency, at)),
                17 => PayoutCommand::ReverseEarning(disputed(number, share, currency, at)),
                18 | 19 => PayoutCommand::MatureEarnings { at },
                20 | 21 => PayoutCommand::RecordReturned(ReturnedPayout {
                    payout_id,
                    in_all: Money::new(share, currency),
                    reason: "closed".to_owned(),
                    at,
                }),
                22 => PayoutCommand::CreditShare(Box::new(SharedEarning {
                    ticket_id: TicketId::from_uuid(Uuid::from_u128(number)),
                    room_id: RoomId::from_uuid(Uuid::from_u128(2)),
                    host: UserId::from_uuid(Uuid::from_u128(3)),
                    share: Money::new(share, currency),
                    earning: rules(number),
                    at,
                })),
                23 => PayoutCommand::HoldShare(disputed_share(number, share, currency, at)),
                24 => PayoutCommand::ReleaseShare(disputed_share(number, share, currency, at)),
                25 => PayoutCommand::ReverseShare(disputed_share(number, share, currency, at)),
                26 => PayoutCommand::ChooseSchedule {
                    schedule: PayoutSchedule::Monthly,
                    at,
                },
                27 | 28 => PayoutCommand::RequestMonthly(monthly(number, currency, at)),
                _ => PayoutCommand::RecordPaid { payout_id, at },
            }
        },
    )
}

fn request(payout_id: PayoutId, currency: Currency, amount: Option<Money>, at: Timestamp) -> RequestPayout {
    RequestPayout {
        payout_id,
        currency,
        amount,
        minimum_minor: 20,
        provider: "sandbox".to_owned(),
        request: Fingerprint::of(b"payout"),
        at,
    }
}

/// All of it is the host's; some sales wait, and some leave a part in the reserve.
fn sale(number: u128, gross: Money, at: Timestamp) -> SettledSale {
    SettledSale {
        ticket_id: TicketId::from_uuid(Uuid::from_u128(number)),
        room_id: RoomId::from_uuid(Uuid::from_u128(1)),
        gross,
        tax: None,
        store_fee: None,
        provider_fee: Money::zero(gross.currency()),
        platform_fee: PlatformFee::flat(BasisPoints::ZERO),
        earning: rules(number),
        host: UserId::from_uuid(Uuid::from_u128(1)),
        shares: shares(number),
        at,
    }
}

fn rules(number: u128) -> EarningRules {
    let reserve = [0, 1_000, 10_000][usize::try_from(number % 3).expect("small")];
    EarningRules {
        pending_days: u32::try_from(number % 4).expect("small"),
        reserve: BasisPoints::try_new(reserve).expect("a share"),
        reserve_days: 5,
    }
}

/// Every other sale is shared by three.
fn shares(number: u128) -> Vec<Share> {
    let points = if number.is_multiple_of(2) {
        vec![]
    } else {
        vec![5_001, 4_998, 1]
    };
    let people = (1..).map(|number| UserId::from_uuid(Uuid::from_u128(number)));
    let share = |(user, points)| Share {
        user,
        basis_points: BasisPoints::try_new(points).expect("a share"),
    };
    people.zip(points).map(share).collect()
}

fn disputed_share(number: u128, amount: i64, currency: Currency, at: Timestamp) -> DisputedShare {
    DisputedShare {
        ticket_id: TicketId::from_uuid(Uuid::from_u128(number)),
        dispute: format!("dp_{number}_{}", amount % 2),
        amount: Money::new(amount, currency),
        at,
    }
}

fn apply(number: u128, host: UserId, at: Timestamp) -> PayoutCommand {
    PayoutCommand::Apply(Box::new(ApplyAsHost {
        host,
        facts: HostFacts::default(),
        channels: vec![],
        terms_sha256: None,
        preset: if number.is_multiple_of(2) {
            Preset::open()
        } else {
            Preset::ticketed_spaces()
        },
        at,
    }))
}

fn monthly(number: u128, currency: Currency, due_at: Timestamp) -> MonthlyPayout {
    MonthlyPayout {
        payout_id: PayoutId::from_uuid(Uuid::from_u128(100 + number)),
        currency,
        due_at,
        minimum_minor: 20,
        default: PayoutSchedule::OnRequest,
        provider: "sandbox".to_owned(),
        at: due_at,
    }
}

/// What an admin decides about the host.
fn standing(kind: u8, host: UserId, at: Timestamp) -> PayoutCommand {
    match kind {
        30 => PayoutCommand::Waitlist(decision(host, at)),
        31 => PayoutCommand::Decline(decision(host, at)),
        32 => PayoutCommand::Suspend {
            by: host,
            reason: "risk".parse().expect("a label"),
            at,
        },
        _ => PayoutCommand::Reinstate {
            by: host,
            reason: None,
            at,
        },
    }
}

fn decision(host: UserId, at: Timestamp) -> DecideOnHost {
    DecideOnHost {
        host,
        by: host,
        reason: None,
        at,
    }
}

/// Two disputes for each ticket.
fn disputed(number: u128, amount: i64, currency: Currency, at: Timestamp) -> DisputedEarning {
    DisputedEarning {
        ticket_id: TicketId::from_uuid(Uuid::from_u128(number)),
        dispute: format!("dp_{number}_{}", amount % 2),
        amount: Money::new(amount, currency),
        at,
    }
}

/// Where the money of one currency is, as a reader of the events alone would add it up.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
struct Pots {
    available: i64,
    pending: i64,
    /// Held for disputes, and the rolling reserve.
    reserved: i64,
    receivable: i64,
    /// Payouts on their way, or arrived.
    away: i64,
    earned: i64,
}

#[derive(Default)]
struct Reader(BTreeMap<Currency, Pots>);

impl Reader {
    fn pots(&mut self, money: Money) -> (&mut Pots, i64) {
        (self.0.entry(money.currency()).or_default(), money.amount_minor())
    }

    fn credit(&mut self, own: Money, netted: Option<Money>, pending: Option<Later>, reserved: Option<Later>) {
        let part = |part: Option<Later>| part.map_or(0, |later| later.amount.amount_minor());
        let netted = netted.map_or(0, Money::amount_minor);
        let (pots, share) = self.pots(own);
        pots.earned += share;
        pots.receivable -= netted;
        pots.pending += part(pending);
        pots.reserved += part(reserved);
        pots.available += share - netted - part(pending) - part(reserved);
    }

    /// The parts of a sale are the whole, and nobody is a unit away from their exact part.
    fn check_division(earning: &EarningCredited) {
        let whole = earning.host_share.amount_minor();
        let parts = earning.co_hosts.iter().map(|part| part.amount.amount_minor());
        assert_eq!(parts.sum::<i64>() + earning.own_share().amount_minor(), whole);
        for part in &earning.co_hosts {
            let share = shares(1)
                .into_iter()
                .find(|share| share.user == part.user)
                .expect("it is shared");
            let exact = whole * i64::from(share.basis_points.points());
            assert!((part.amount.amount_minor() * 10_000 - exact).abs() < 10_000);
        }
    }

    fn hold(&mut self, held: &HeldEarning, sign: i64) {
        let pending = held.pending.map_or(0, Money::amount_minor);
        let (pots, minor) = self.pots(held.amount);
        pots.reserved += sign * minor;
        pots.pending -= sign * pending;
        pots.available -= sign * (minor - pending);
    }

    fn reverse(&mut self, reversed: &EarningReversed) {
        let or_none = |part: Option<Money>| part.map_or(0, Money::amount_minor);
        let (pending, rolling) = (or_none(reversed.from_pending), or_none(reversed.from_rolling_reserve));
        let (held, owed) = (reversed.from_reserve.amount_minor(), reversed.receivable.amount_minor());
        let (pots, available) = self.pots(reversed.from_available);
        pots.pending -= pending;
        pots.reserved -= rolling + held;
        pots.available -= available;
        pots.receivable += owed;
        pots.earned -= pending + rolling + held + available + owed;
    }

    fn take(&mut self, event: &PayoutEvent) {
        match event {
            PayoutEvent::EarningCredited(earning) => {
                Self::check_division(earning);
                self.credit(earning.own_share(), earning.netted, earning.pending, earning.reserved);
            }
            PayoutEvent::ShareCredited(share) => {
                self.credit(share.share, share.netted, share.pending, share.reserved);
            }
            PayoutEvent::EarningHeld(held) => self.hold(held, 1),
            PayoutEvent::EarningReleased(held) => self.hold(held, -1),
            PayoutEvent::EarningReversed(reversed) => self.reverse(reversed),
            PayoutEvent::PayoutRequested { amount, .. } => {
                let (pots, minor) = self.pots(*amount);
                pots.available -= minor;
                pots.away += minor;
            }
            PayoutEvent::PayoutFailed { amount, .. } | PayoutEvent::PayoutReturned { amount, .. } => {
                let (pots, minor) = self.pots(*amount);
                pots.available += minor;
                pots.away -= minor;
            }
            PayoutEvent::EarningsMatured { amount, .. } => {
                let (pots, minor) = self.pots(*amount);
                pots.available += minor;
                pots.pending -= minor;
            }
            PayoutEvent::ReserveReleased { amount, .. } => {
                let (pots, minor) = self.pots(*amount);
                pots.available += minor;
                pots.reserved -= minor;
            }
            PayoutEvent::ReceivableNetted { amount, .. } => {
                let (pots, minor) = self.pots(*amount);
                pots.available -= minor;
                pots.receivable -= minor;
            }
            _ => {}
        }
    }
}

impl Pots {
    /// Nothing is below zero, and what is out of the house is not more than was earned and is still kept.
    fn check(self) {
        let parts = [self.available, self.pending, self.reserved, self.receivable, self.away];
        assert!(parts.iter().all(|part| *part >= 0), "{self:?}");
        let kept = self.earned + self.receivable - self.reserved - self.pending;
        assert!(self.away <= kept, "{self:?}");
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_order_of_commands_keeps_the_laws(commands in prop::collection::vec(command(), 0..80)) {
        let reader = RefCell::new(Reader::default());
        let end = run::<Payout>(commands, |state, event| {
            let mut reader = reader.borrow_mut();
            reader.take(event);
            for (currency, pots) in &reader.0 {
                pots.check();
                assert_eq!(state.available(*currency).amount_minor(), pots.available);
                assert_eq!(state.pending(*currency).amount_minor(), pots.pending);
                assert_eq!(state.reserved(*currency).amount_minor(), pots.reserved);
                assert_eq!(state.receivable(*currency).amount_minor(), pots.receivable);
            }
        });
        // Nobody owes who has something to pay it with.
        for (currency, pots) in &reader.borrow().0 {
            prop_assert!(pots.available == 0 || pots.receivable == 0, "{} {:?}", currency, pots);
        }
        // Whatever waits comes free when all days are over.
        let due = PayoutCommand::MatureEarnings { at: at(400 * DAY) };
        let freed: Vec<_> = end.decide(due).expect("never refused");
        let mut reader = reader.into_inner();
        for event in &freed {
            reader.take(event);
        }
        prop_assert!(reader.0.values().all(|pots| pots.pending == 0), "{:?}", reader.0);
    }
}
