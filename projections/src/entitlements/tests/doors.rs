//! The doors: the lobby, whose entry is good, and whose turn it is.

use chrono::TimeDelta;
use domain::room::{Revision, RoomRevised};
use domain::{TicketEvent, TicketId, Timestamp};

use super::super::line::turn_after;
use super::super::{turn_of, turns_after};
use super::*;

fn lobby_opened() -> RoomEvent {
    RoomEvent::LobbyOpened {
        session_id: session(1),
        by: host(),
        opened_at: at(45),
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn the_hosts_side_alone_may_be_in_the_lobby(pool: PgPool) {
    let before = Story::new().schedule(1).buy(1, 10).buy(1, 11);
    let before = before.room(1, appointed(user(20))).room(1, appointed(user(11)));
    let story = before.room(1, lobby_opened());
    project(&pool, View::Entitlements, &story).await;
    let rooms = live_rooms(&pool).await.expect("a query");
    let people: Vec<_> = rooms[0]
        .people
        .iter()
        .map(|person| (person.ticket_id, person.user))
        .collect();
    assert_eq!(people, [(None, host()), (None, user(20)), (None, user(11))]);
    assert_eq!((rooms[0].session_id, rooms[0].live_since), (session(1), None));
    assert_eq!(admits_host_side(&pool, host()).await, SPEAKER);
    assert_eq!(admits_host_side(&pool, user(20)).await, SPEAKER);
    assert_eq!(admits(&pool, 10).await, AdmissionRow::NoSuchRoom);
    assert!(!stage_of_room(&pool).await.live);
    let story = story.open(1);
    feed_last(&pool, &story, 1).await;
    assert_eq!(admits(&pool, 10).await, LISTENER);
    assert_eq!(live_rooms(&pool).await.expect("a query")[0].people.len(), 5);
}

#[sqlx::test(migrations = "../migrations")]
async fn the_lobby_of_a_cancelled_room_is_closed(pool: PgPool) {
    let cancelled = RoomEvent::RoomCancelled { cancelled_at: at(60) };
    let story = Story::new().schedule(1).room(1, lobby_opened()).room(1, cancelled);
    project(&pool, View::Entitlements, &story).await;
    assert_eq!(live_rooms(&pool).await.expect("a query"), []);
    assert_eq!(admits_host_side(&pool, host()).await, AdmissionRow::NoSuchRoom);
}

fn taken_over(user: UserId, ticket_id: Option<TicketId>, entry: u32) -> RoomEvent {
    RoomEvent::EntryTakenOver {
        user,
        ticket_id,
        entry,
        taken_over_at: at(70),
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn each_ticket_and_each_of_the_hosts_side_has_the_entry_that_is_good_now(pool: PgPool) {
    let story = with_co_hosts()
        .room(1, taken_over(user(10), Some(ticket(10)), 2))
        .room(1, taken_over(user(10), Some(ticket(10)), 3))
        .room(1, taken_over(host(), None, 2))
        .room(1, taken_over(user(20), None, 2));
    project(&pool, View::Entitlements, &story).await;
    let rooms = live_rooms(&pool).await.expect("a query");
    let entries: Vec<_> = rooms[0]
        .people
        .iter()
        .map(|person| (person.entry, person.taken_over_at))
        .collect();
    let now = Some(at(70));
    assert_eq!(entries, [(2, now), (2, now), (1, None), (3, now), (1, None)]);
    let entry = |entry| AdmissionRow::Admitted {
        may_speak: false,
        entry,
    };
    assert_eq!(admits(&pool, 10).await, entry(3));
    let entry = |entry| AdmissionRow::Admitted { may_speak: true, entry };
    assert_eq!(admits_host_side(&pool, host()).await, entry(2));
    assert_eq!(admits_host_side(&pool, user(20)).await, entry(2));
    assert_eq!(admits_host_side(&pool, user(11)).await, entry(1));
}

fn presented(at: Timestamp) -> TicketEvent {
    TicketEvent::TicketPresented {
        doors_per_second: 2,
        presented_at: at,
    }
}

/// Whatever pages the log is read in.
#[sqlx::test(migrations = "../migrations")]
async fn turns_are_in_the_order_of_the_log(pool: PgPool) {
    let come = at(500);
    let story = live().ticket(11, presented(come));
    project(&pool, View::Entitlements, &story).await;
    let story = story.ticket(10, presented(come)).schedule(2).buy(2, 20).open(2);
    feed_last(&pool, &story, story.events.len() - live().events.len() - 1).await;
    let story = story.ticket(20, presented(come));
    feed_last(&pool, &story, 1).await;
    let second = turn_after(Some(come), come, 2);
    let third = turn_after(Some(second), come, 2);
    for (number, turn) in [(11, Some(come)), (10, Some(second)), (20, Some(third)), (12, None)] {
        assert_eq!(turn_of(&pool, ticket(number)).await.expect("a query"), turn, "{number}");
    }
    assert_eq!(turns_after(&pool, come).await.expect("a query"), [second, third]);
    assert_eq!(third - come, TimeDelta::seconds(1));
}

#[sqlx::test(migrations = "../migrations")]
async fn the_capacity_is_the_last_one(pool: PgPool) {
    let larger = Revision {
        capacity: Some(70),
        ..Revision::default()
    };
    let revised = RoomEvent::RoomRevised(RoomRevised {
        revision: larger,
        revised_at: at(80),
    });
    project(&pool, View::Entitlements, &live().room(1, revised)).await;
    assert_eq!(live_rooms(&pool).await.expect("a query")[0].capacity, 70);
}
