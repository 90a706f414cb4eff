//! Rooms: never more seats than there are, one outcome for each ticket, whatever order commands come in.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use domain::payout::HostPermit;
use domain::room::{
    Authority, Discount, HoldOptions, HoldSeat, JoinWaitingList, PresenceInterval, PriceTier, PriceWish, PromoCode,
    RecordDelivery, ReleaseReason, ReviseRoom, Revision, RoomPhase, RoomRevised, SaleOptions, ScheduleRoom, SeatReturn,
};
use domain::{
    BasisPoints, Channel, Currency, Customer, Fingerprint, Money, Preset, RefundPolicy, Room, RoomCommand, RoomError,
    RoomEvent, RoomId, SessionId, Share, TicketId, UserId,
};
use proptest::prelude::*;
use uuid::Uuid;

use crate::quotas::Quotas;
use crate::{at, config, run};

const CAPACITY: u32 = 3;
const BUYERS: u128 = 5;
const TICKETS: u128 = 8;

fn user(number: u128) -> UserId {
    UserId::from_uuid(Uuid::from_u128(number))
}

fn ticket(number: u128) -> TicketId {
    TicketId::from_uuid(Uuid::from_u128(number))
}

fn session(number: u128) -> SessionId {
    SessionId::from_uuid(Uuid::from_u128(number))
}

fn tier(tier: &str, price: i64, quota: u32) -> PriceTier {
    PriceTier {
        tier: tier.to_owned(),
        name: tier.to_owned(),
        price: Money::new(price, Currency::USD),
        quota,
        opens_at: None,
        closes_at: None,
    }
}

fn early(quota: u32) -> PriceTier {
    tier("early", 500, quota)
}

/// Cheaper than the room for a while.
fn late_bird(quota: u32) -> PriceTier {
    PriceTier {
        opens_at: Some(at(60)),
        closes_at: Some(at(120)),
        ..tier("late", 700, quota)
    }
}

fn code() -> Fingerprint {
    Fingerprint::of(b"code")
}

/// Half of any price, once for each buyer.
fn promo_code(quota: u32) -> PromoCode {
    PromoCode {
        code: code(),
        label: "half".to_owned(),
        discount: Discount::Share {
            basis_points: BasisPoints::try_new(5_000).expect("a share"),
        },
        quota,
        per_buyer: 1,
        tier: None,
        opens_at: None,
        closes_at: None,
    }
}

fn schedule() -> RoomCommand {
    RoomCommand::Schedule(Box::new(ScheduleRoom {
        room_id: RoomId::from_uuid(Uuid::from_u128(1)),
        host: user(0),
        permit: HostPermit::Sells,
        title: "Night radio".to_owned(),
        description: String::new(),
        language: "en".to_owned(),
        starts_at: at(100),
        planned_minutes: 1,
        price: Money::new(1_000, Currency::USD),
        capacity: CAPACITY,
        sales_open_at: None,
        sales_close_at: None,
        tickets_per_buyer: 2,
        hold_seconds: 10,
        refund_policy: RefundPolicy::None,
        no_show_minutes: 15,
        sale: SaleOptions {
            tiers: vec![early(1), late_bird(2)],
            promo_codes: vec![promo_code(2)],
            ..SaleOptions::default()
        },
        preset: Preset::open(),
        request: Fingerprint::of(b"schedule"),
        at: at(0),
    }))
}

fn selling() -> impl Strategy<Value = RoomCommand> {
    // Tickets belong to buyers by their number, mostly: the others try to take what is not theirs.
    let who = prop_oneof![8 => Just(None), 1 => (0..BUYERS).prop_map(Some)];
    (0..TICKETS, who, 0..200_i64, 0..11_u8, any::<bool>()).prop_map(|(number, who, second, kind, odd)| {
        let ticket_id = ticket(number);
        let buyer = user(who.unwrap_or(number % BUYERS));
        let at = at(second);
        let waits = HoldOptions {
            wait_if_late: second % 2 == 0,
            ..HoldOptions::default()
        };
        match kind {
            0..=3 => RoomCommand::HoldSeat(HoldSeat {
                wish: PriceWish {
                    tier: [None, Some("early"), Some("late")][(number % 3) as usize].map(str::to_owned),
                    promo_code: (second % 3 == 0).then(code),
                }
                .boxed(),
                rollout: None,
                ticket_id,
                buyer,
                channel: Channel::Web,
                options: waits.boxed(),
                request: Fingerprint::of(if odd && second % 7 == 0 { b"odd" } else { b"hold" }),
                at,
                customer: Customer::NotAsked,
            }),
            4..=6 => RoomCommand::SellSeat { ticket_id, buyer, at },
            7 => {
                let reason = SeatReturn::GivenBack { by: buyer };
                RoomCommand::ReleaseSeat { ticket_id, reason, at }
            }
            8 => {
                let reason = SeatReturn::Refunded;
                RoomCommand::ReleaseSeat { ticket_id, reason, at }
            }
            9 => RoomCommand::TransferSeat {
                ticket_id,
                from: user(number % BUYERS),
                to: buyer,
                at,
            },
            _ => RoomCommand::ReleaseLapsed { at },
        }
    })
}

fn stage() -> impl Strategy<Value = RoomCommand> {
    (0..BUYERS, 0..8_u128, 0..8_u8, 0..200_i64).prop_map(|(person, host, kind, second)| {
        let (user, by, at) = (user(person), user(host / 6), at(second));
        match kind {
            0 => RoomCommand::RequestToSpeak { user, at },
            1 => RoomCommand::WithdrawRequest { user, at },
            2 => RoomCommand::ApproveSpeaker { user, by, at },
            3 => RoomCommand::DeclineRequest { user, by, at },
            4 => RoomCommand::DismissSpeaker { user, by, at },
            5 => RoomCommand::SuspendSales { at },
            6 => RoomCommand::ReinstateSales { at },
            _ => RoomCommand::RemovePerson { user, by, at },
        }
    })
}

fn line() -> impl Strategy<Value = RoomCommand> {
    // A ticket of somebody in line is one of those that are held, too: ids may clash.
    (0..BUYERS, 0..200_i64, 0..3_u8, 0..3_u128).prop_map(|(number, second, kind, again)| {
        let (user, at) = (user(number), at(second));
        if kind == 0 {
            return RoomCommand::LeaveWaitingList { user, at };
        }
        let ticket_id = match again {
            0 => ticket(number),
            _ => ticket(100 + 10 * again + number),
        };
        RoomCommand::JoinWaitingList(JoinWaitingList {
            rollout: None,
            user,
            ticket_id,
            customer: Customer::NotAsked,
            request: Fingerprint::of(b"join"),
            at,
        })
    })
}

fn halves() -> Vec<Share> {
    let share = |number| Share {
        user: user(number),
        basis_points: BasisPoints::try_new(5_000).expect("a half"),
    };
    vec![share(0), share(1)]
}

fn changes() -> impl Strategy<Value = RoomCommand> {
    (0..8_u8, 1..6_u32, 0..200_i64, 0..4_u128).prop_map(|(kind, number, second, who)| {
        let (by, at) = (Authority::User(user(who / 3)), at(second));
        let wish = match kind {
            0 => return RoomCommand::PauseSales { by, at },
            1 | 2 => return RoomCommand::ResumeSales { by, at },
            6 => {
                let shares = if number == 1 { halves() } else { vec![] };
                let by = user(who / 3);
                return RoomCommand::ProposeShares { by, shares, at };
            }
            7 => {
                return RoomCommand::AgreeToShare {
                    user: user(1),
                    basis_points: halves()[1].basis_points,
                    at,
                };
            }
            3 => Revision {
                price: Some(Money::new(i64::from(number) * 100, Currency::USD)),
                refund_policy: Some(RefundPolicy::UntilStart),
                ..Revision::default()
            },
            4 => Revision {
                tiers: vec![early(number), late_bird(2)],
                ..Revision::default()
            },
            5 => Revision {
                promo_codes: vec![promo_code(number)],
                ..Revision::default()
            },
            _ => Revision {
                capacity: Some(number),
                tickets_per_buyer: Some(number),
                ..Revision::default()
            },
        };
        RoomCommand::Revise(Box::new(ReviseRoom {
            by,
            wish,
            permit: HostPermit::Sells,
            preset: Preset::open(),
            at,
        }))
    })
}

fn life() -> impl Strategy<Value = RoomCommand> {
    (0..12_u8, 0..200_i64, 0..2_u128).prop_map(|(kind, second, number)| {
        let (at, session_id) = (at(second), session(number));
        match kind {
            0 => schedule(),
            1 => RoomCommand::Cancel {
                by: Authority::Admin,
                at,
            },
            2 => RoomCommand::End {
                by: Authority::Admin,
                at,
            },
            3 => RoomCommand::End {
                by: Authority::User(user(number)),
                at,
            },
            4..=6 => RoomCommand::RecordDelivery(RecordDelivery {
                session_id,
                host_heard_ms: u64::from(kind % 2),
                listeners_present: 0,
                intervals: vec![PresenceInterval {
                    user: user(0),
                    ticket_id: None,
                    joined_at: at,
                    left_at: at,
                    audible_ms: 0,
                }],
                at,
            }),
            _ => RoomCommand::Open {
                by: user(0),
                session_id,
                at,
            },
        }
    })
}

fn commands() -> impl Strategy<Value = Vec<RoomCommand>> {
    let any = prop_oneof![16 => selling(), 5 => line(), 2 => changes(), 4 => stage(), 1 => life()];
    let first = prop_oneof![9 => Just(vec![schedule()]), 1 => Just(vec![])];
    (first, prop::collection::vec(any, 0..120)).prop_map(|(mut first, rest)| {
        first.extend(rest);
        first
    })
}

/// What a reader of the events alone would count.
#[derive(Default)]
struct Seen {
    /// `true` once sold.
    seats: BTreeMap<TicketId, bool>,
    outcomes: BTreeMap<TicketId, u32>,
    removed: BTreeSet<UserId>,
    /// Who waits, in the order of the log: first those who paid, then the others.
    late: Vec<TicketId>,
    line: Vec<UserId>,
    quotas: Quotas,
}

impl Seen {
    fn take(&mut self, event: &RoomEvent) {
        match event {
            RoomEvent::RoomScheduled(scheduled) => {
                self.quotas.set(&scheduled.sale.tiers, &scheduled.sale.promo_codes);
            }
            RoomEvent::RoomRevised(RoomRevised { revision, .. }) => {
                self.quotas.set(&revision.tiers, &revision.promo_codes);
            }
            RoomEvent::SeatHeld(held) => {
                let is_waiting_for_more = |ticket: &TicketId| self.quotas.is_exhausted(&self.seats, *ticket);
                let nobody_paid_for_it = self.late.iter().all(is_waiting_for_more);
                if let Some(pricing) = &held.terms.pricing {
                    let claim = (pricing.as_ref().clone(), held.buyer);
                    self.quotas.claims.insert(held.ticket_id, claim);
                }
                assert_eq!(self.seats.insert(held.ticket_id, false), None);
                if held.options.as_ref().is_some_and(|options| options.offered) {
                    assert!(nobody_paid_for_it, "who paid goes first");
                    assert_eq!(self.line.remove(0), held.buyer, "first come, first served");
                }
            }
            RoomEvent::WaitingListJoined { user, .. } => {
                assert!(!self.line.contains(user), "in line twice");
                self.line.push(*user);
            }
            RoomEvent::WaitingListLeft { user, .. } => self.line.retain(|person| person != user),
            RoomEvent::SeatAwaited { ticket_id, .. } => self.late.push(*ticket_id),
            RoomEvent::SeatSold(sold) => {
                assert!(!self.removed.contains(&sold.buyer), "sold to somebody who was sent out");
                if let Some(place) = self.late.iter().position(|ticket| *ticket == sold.ticket_id) {
                    let mut before = self.late[..place].iter();
                    let first_come = before.all(|ticket| self.quotas.is_exhausted(&self.seats, *ticket));
                    assert!(first_come, "first come, first served");
                    self.late.remove(place);
                }
                let retakes = sold.retakes.as_deref();
                let claim = self.quotas.claims.get(&sold.ticket_id);
                let lapsed = claim.filter(|_| !self.seats.contains_key(&sold.ticket_id));
                assert_eq!(
                    retakes.map(|retakes| (&retakes.tier, retakes.promo_code)),
                    lapsed.map(|(pricing, _)| (&pricing.tier, pricing.promo_code)),
                    "what is taken anew is on record"
                );
                let before = self.seats.insert(sold.ticket_id, true);
                assert_eq!(
                    before,
                    sold.was_held().then_some(false),
                    "sold once, and it says to whom it was"
                );
                *self.outcomes.entry(sold.ticket_id).or_default() += 1;
            }
            RoomEvent::SeatReleased(released) => {
                let was_sold = self.seats.remove(&released.ticket_id).expect("released what was taken");
                assert_eq!(was_sold, !released.was_held(), "a release says what it releases");
                assert!(!was_sold || released.reason == ReleaseReason::Refunded);
            }
            RoomEvent::SeatDenied { ticket_id, .. } => {
                assert!(!self.seats.contains_key(ticket_id), "denied what it has");
                *self.outcomes.entry(*ticket_id).or_default() += 1;
                self.late.retain(|ticket| ticket != ticket_id);
            }
            RoomEvent::PersonRemoved { user, .. } => {
                self.removed.insert(*user);
            }
            _ => {}
        }
    }
}

fn hold_laws(commands: Vec<RoomCommand>) {
    let seen = RefCell::new(Seen::default());
    let state = run::<Room>(commands, |state, event| {
        let mut seen = seen.borrow_mut();
        seen.take(event);
        let sold = u32::try_from(seen.seats.values().filter(|sold| **sold).count()).expect("few");
        let held = u32::try_from(seen.seats.len()).expect("few") - sold;
        let capacity = state.facts().expect("a room with seats has facts").capacity;
        assert!(held + sold <= capacity, "oversold");
        if let Some(prices) = state.prices() {
            seen.quotas.hold(&seen.seats, prices);
        }
        let is_taken_by_a_passer_by = match event {
            RoomEvent::SeatHeld(held) => held.options.as_ref().is_none_or(|options| !options.offered),
            _ => false,
        };
        if is_taken_by_a_passer_by {
            let waiting = u32::try_from(seen.line.len() + seen.late.len()).expect("few");
            assert!(capacity - held - sold >= waiting, "somebody waits for this seat");
        }
        assert_eq!((state.held_count(), state.sold_count()), (held, sold));
    });
    let seen = seen.into_inner();
    assert!(seen.outcomes.values().all(|count| *count == 1));
    let waiting = u32::try_from(seen.line.len() + seen.late.len()).expect("few");
    assert_eq!(state.waiting_count(), waiting);
    match state.phase() {
        RoomPhase::Ended | RoomPhase::Cancelled => assert_eq!((state.held_count(), waiting), (0, 0)),
        RoomPhase::Unscheduled | RoomPhase::Scheduled | RoomPhase::Live => {}
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_order_of_commands_keeps_the_laws(commands in commands()) {
        hold_laws(commands);
    }
}

/// A room of 10,000 seats: a hold that lapsed first is found first, and the whole capacity sells.
#[test]
fn a_big_room_sells_its_whole_capacity() {
    let seats: u32 = 10_000;
    let RoomCommand::Schedule(mut big) = schedule() else {
        unreachable!("schedule() schedules");
    };
    big.capacity = seats;
    big.preset.capacity_max = seats;
    let mut room = Room::default();
    let mut record = |command| {
        let events = crate::handle(&mut room, command);
        events.expect("accepted").len()
    };
    assert_eq!(record(RoomCommand::Schedule(big)), 1);
    let hold = |number: u32, at| {
        RoomCommand::HoldSeat(HoldSeat {
            wish: None,
            rollout: None,
            ticket_id: ticket(number.into()),
            buyer: user(number.into()),
            channel: Channel::Web,
            options: None,
            request: Fingerprint::of(b"hold"),
            at,
            customer: Customer::NotAsked,
        })
    };
    assert!((0..seats).all(|number| record(hold(number, at(i64::from(number / 1_000)))) == 1));
    // At second 10 the first thousand has lapsed; its seats are offered again, and nobody releases all of them.
    let again: Vec<_> = (seats..seats + 1_000)
        .map(|number| record(hold(number, at(10))))
        .collect();
    assert_eq!((again[0], again.iter().sum::<usize>()), (33, 2_000));
    assert_eq!((room.held_count(), room.next_expiry()), (seats, Some(at(11))));
    let refused = crate::handle(&mut room, hold(seats + 1_000, at(10)));
    assert_eq!(refused, Err(RoomError::SoldOut { capacity: seats }));
}
