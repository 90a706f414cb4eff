//! What rooms lead to.

use domain::room::{
    DeliveryRecorded, DenialReason, Missing, ReleaseReason, RoomScheduled, SeatHeld, SeatReleased, SeatSold, Verdict,
    VoidReason,
};
use domain::ticket::RefundReason;
use domain::{AnyEvent, BasisPoints, Fingerprint, RefundPolicy, RoomEvent};

use super::{at, jobs, reaction, terms, usd};
use crate::Job;
use crate::tests::world::{HOST, ROOM, SESSION, ticket, user};

fn room_jobs(event: RoomEvent) -> Vec<Job> {
    jobs(AnyEvent::Room(ROOM, event))
}

fn released(reason: ReleaseReason) -> RoomEvent {
    RoomEvent::SeatReleased(SeatReleased {
        ticket_id: ticket(1),
        buyer: user(1),
        reason,
        still_held: false,
        released_at: at(0),
    })
}

fn delivery(delivered: bool, verdict: Option<Verdict>) -> RoomEvent {
    RoomEvent::DeliveryRecorded(DeliveryRecorded {
        verdict,
        interruptions: vec![],
        session_id: SESSION,
        host_heard_ms: u64::from(delivered),
        listeners_present: 0,
        delivered,
        recorded_at: at(0),
    })
}

#[test]
fn a_hold_sets_the_timer_of_its_room() {
    let held = SeatHeld {
        ticket_id: ticket(1),
        buyer: user(1),
        terms: terms(usd(1_000)),
        request: Fingerprint::of(b"hold"),
        held_at: at(0),
        expires_at: at(300),
        options: None,
    };
    let timers = reaction(AnyEvent::Room(ROOM, RoomEvent::SeatHeld(held)));
    assert_eq!(timers.len(), 1);
    assert_eq!(timers[0].run_at, Some(at(300)));
    assert_eq!(timers[0].job, Job::LapseHolds { room: ROOM });
}

#[test]
fn a_sold_seat_issues_and_a_denied_one_refunds() {
    let sold = RoomEvent::SeatSold(SeatSold {
        retakes: None,
        ticket_id: ticket(1),
        buyer: user(1),
        late: false,
        still_held: false,
        sold_at: at(0),
    });
    let (room, ticket) = (ROOM, ticket(1));
    assert_eq!(room_jobs(sold), [Job::IssueTicket { room, ticket }]);
    let denied = RoomEvent::SeatDenied {
        ticket_id: ticket,
        buyer: user(1),
        reason: DenialReason::SoldOut,
        denied_at: at(0),
    };
    assert_eq!(room_jobs(denied), [Job::RefundSeatGone { room, ticket }]);
}

#[test]
fn an_unpaid_seat_that_is_released_lapses_its_ticket() {
    let ticket = ticket(1);
    for reason in [
        ReleaseReason::Lapsed,
        ReleaseReason::GivenBack,
        ReleaseReason::RoomCancelled,
        ReleaseReason::Removed,
    ] {
        assert_eq!(room_jobs(released(reason)), [Job::LapseTicket { ticket }]);
    }
    assert_eq!(room_jobs(released(ReleaseReason::Refunded)), []);
}

#[test]
fn a_room_that_was_cancelled_or_not_delivered_refunds_and_a_delivered_one_settles() {
    let room = ROOM;
    let reason = RefundReason::RoomCancelled;
    let cancelled = RoomEvent::RoomCancelled { cancelled_at: at(0) };
    assert_eq!(room_jobs(cancelled), [Job::RefundRoom { room, reason }]);
    let reason = RefundReason::NotDelivered;
    assert_eq!(room_jobs(delivery(false, None)), [Job::RefundRoom { room, reason }]);
    assert_eq!(room_jobs(delivery(true, None)), [Job::SettleRoom { room }]);
}

#[test]
fn a_room_that_is_void_refunds_and_one_that_broke_off_settles_what_is_left() {
    let room = ROOM;
    for (reason, refund) in [
        (VoidReason::NoShow, RefundReason::NoShow),
        (VoidReason::Crash, RefundReason::Crashed),
        (VoidReason::Moderation, RefundReason::Moderated),
    ] {
        let voided_at = at(0);
        let voided = RoomEvent::RoomVoided { reason, voided_at };
        assert_eq!(room_jobs(voided), [Job::RefundRoom { room, reason: refund }]);
        // What comes before it says nothing for itself.
        assert_eq!(room_jobs(delivery(false, Some(Verdict::Void { reason }))), []);
    }
    let missing = Missing {
        missing_ms: 2,
        promised_ms: 3,
    };
    assert_eq!(
        room_jobs(delivery(true, Some(Verdict::Crashed(missing)))),
        [Job::SettleRoom { room }]
    );
}

#[test]
fn other_events_of_a_room_lead_to_nothing() {
    let (user, by, at) = (user(1), HOST, at(0));
    let scheduled = RoomScheduled {
        room_id: ROOM,
        host: HOST,
        title: "A talk".to_owned(),
        description: String::new(),
        language: "en".to_owned(),
        starts_at: at,
        planned_minutes: 60,
        price: usd(1_000),
        capacity: 5,
        sales_open_at: at,
        sales_close_at: at,
        tickets_per_buyer: 1,
        hold_seconds: 300,
        refund_policy: RefundPolicy::None,
        no_show_minutes: 15,
        sale: domain::room::SaleOptions::default(),
        preset: "open".to_owned(),
        preset_version: 1,
        platform_fee: BasisPoints::ZERO,
        request: Fingerprint::of(b"room"),
        scheduled_at: at,
        fees: domain::FeeRules::default(),
    };
    let session_id = SESSION;
    let host = HOST;
    let follow = Job::FollowStandingOfRoom { room: ROOM, host };
    let room = ROOM;
    assert_eq!(
        room_jobs(RoomEvent::RoomScheduled(scheduled)),
        [Job::VoidNoShow { room }, follow]
    );
    let others = [
        RoomEvent::RoomOpened {
            session_id,
            opened_at: at,
        },
        RoomEvent::RoomEnded { ended_at: at },
        RoomEvent::SpeakRequested { user, requested_at: at },
        RoomEvent::SpeakRequestWithdrawn { user, withdrawn_at: at },
        RoomEvent::SpeakRequestDeclined {
            user,
            by,
            declined_at: at,
        },
        RoomEvent::SpeakerApproved {
            user,
            by,
            approved_at: at,
        },
        RoomEvent::SpeakerDismissed {
            user,
            by,
            dismissed_at: at,
        },
        RoomEvent::PersonRemoved {
            user,
            by,
            removed_at: at,
        },
        RoomEvent::PresenceRecorded {
            session_id,
            intervals: vec![],
        },
    ];
    for event in others {
        let name = event.name();
        assert_eq!(room_jobs(event), [], "{name}");
    }
}
