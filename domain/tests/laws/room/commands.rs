//! What may be asked of a room, sane or not.

use chrono::TimeDelta;
use domain::payout::HostPermit;
use domain::room::{
    Authority, Discount, Entrant, HoldOptions, HoldSeat, JoinWaitingList, JudgeComing, PresenceInterval, PriceTier,
    PriceWish, PromoCode, RecordDelivery, RecordingTerms, ReviseRoom, Revision, SaleOptions, ScheduleRoom, SeatReturn,
    SeenSoFar, Source, Speaking,
};
use domain::{
    BasisPoints, Channel, Currency, Customer, Fingerprint, Money, Preset, RecordingId, RefundPolicy, RoomCommand,
    RoomId, SessionId, Share, TicketId, UserId,
};
use proptest::prelude::*;
use uuid::Uuid;

use crate::at;

const CAPACITY: u32 = 3;
const BUYERS: u128 = 5;
const TICKETS: u128 = 8;

pub(super) fn user(number: u128) -> UserId {
    UserId::from_uuid(Uuid::from_u128(number))
}

pub(super) fn ticket(number: u128) -> TicketId {
    TicketId::from_uuid(Uuid::from_u128(number))
}

fn session(number: u128) -> SessionId {
    SessionId::from_uuid(Uuid::from_u128(number))
}

fn recording(number: u128) -> RecordingId {
    RecordingId::from_uuid(Uuid::from_u128(number))
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

pub(super) fn schedule() -> RoomCommand {
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
            recording: Some(RecordingTerms {
                allowed: true,
                for_holders: false,
                retention_days: 1,
            }),
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
    (0..BUYERS, 0..8_u128, 0..29_u8, 0..200_i64).prop_map(|(person, host, kind, second)| {
        let (user, by, at) = (user(person), user(host / 6), at(second));
        match kind {
            0 => RoomCommand::RequestToSpeak { user, at },
            1 => RoomCommand::WithdrawRequest { user, at },
            2 => RoomCommand::ApproveSpeaker { user, by, at },
            3 => RoomCommand::DeclineRequest { user, by, at },
            4 => RoomCommand::DismissSpeaker { user, by, at },
            5 => RoomCommand::SuspendSales { at },
            6 => RoomCommand::ReinstateSales { at },
            7 => RoomCommand::AppointCoHost { user, by, at },
            8 => RoomCommand::InviteSpeaker { user, by, at },
            9 => RoomCommand::AcceptInvitation { user, at },
            10 => RoomCommand::DeclineInvitation { user, at },
            11 => RoomCommand::MuteSpeaker { user, by, at },
            12 => RoomCommand::MuteAll { by, at },
            13 => RoomCommand::Unmute { user, at },
            14 => RoomCommand::StepDown { user, at },
            15 => RoomCommand::BanPerson { user, by, at },
            16 => RoomCommand::UnbanPerson { user, by, at },
            17 => RoomCommand::HandOver { to: user, at },
            24 => RoomCommand::ConsentToRecording { user, at },
            25 | 26 => RoomCommand::StartRecording {
                recording_id: recording(second.unsigned_abs().into()),
                by,
                at,
            },
            27 => RoomCommand::StopRecording { by, at },
            18 => {
                let banned = if second % 2 == 0 { vec![user] } else { vec![] };
                RoomCommand::FollowBans { banned, at }
            }
            19 => RoomCommand::OpenLobby {
                by: user,
                session_id: session(2),
                at,
            },
            20 => RoomCommand::TakeOver {
                entrant: Entrant { user, ticket_id: None },
                from: 1,
                at,
            },
            21 => RoomCommand::TakeOver {
                entrant: Entrant {
                    user,
                    ticket_id: Some(ticket(person)),
                },
                from: u32::try_from(host).unwrap_or(1),
                at,
            },
            22 => RoomCommand::DismissCoHost { user, by, at },
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
                opened_at: at,
                intervals: vec![PresenceInterval {
                    user: user(0),
                    ticket_id: None,
                    joined_at: at,
                    left_at: at + TimeDelta::seconds(1),
                    audible_ms: 1_000,
                    joined_by: None,
                    left_by: None,
                    speaking: vec![Speaking {
                        from: at,
                        until: at + TimeDelta::seconds(i64::from(kind % 2)),
                        source: Source::Poll,
                    }],
                }],
                interruptions: vec![],
                at,
            }),
            7 => RoomCommand::JudgeComing(Box::new(JudgeComing {
                seen: (second % 2 == 0).then(|| SeenSoFar {
                    session_id,
                    opened_at: at,
                    intervals: vec![],
                    interruptions: vec![],
                }),
                at: at + TimeDelta::hours(number.try_into().unwrap_or(0)),
            })),
            8 if second % 4 == 0 => RoomCommand::Moderate { at },
            _ => RoomCommand::Open {
                by: user(0),
                session_id,
                at,
            },
        }
    })
}

pub(super) fn commands() -> impl Strategy<Value = Vec<RoomCommand>> {
    let any = prop_oneof![16 => selling(), 5 => line(), 2 => changes(), 4 => stage(), 1 => life()];
    let first = prop_oneof![9 => Just(vec![schedule()]), 1 => Just(vec![])];
    (first, prop::collection::vec(any, 0..120)).prop_map(|(mut first, rest)| {
        first.extend(rest);
        first
    })
}
