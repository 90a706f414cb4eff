//! The catalogue, from events.

use domain::room::{PriceTier, ReleaseReason, Revision, RoomScheduled, SeatReleased, SeatSold, VoidReason};
use domain::{BasisPoints, Currency, Money, RoomEvent};
use sqlx::PgPool;

use super::{PastRoom, RoomFilter, RoomRow, RoomState, TierRow, count_rooms_hosted, find_room, list_rooms};
use crate::View;
use crate::tests::stage::project;
use crate::tests::story::{
    PRICE, Story, at, host, recorded, recording_started, recording_stopped, room, scheduled, ticket, usd, user,
};

/// By the view, and the same by its events alone.
async fn room_after(pool: &PgPool, story: &Story) -> RoomRow {
    project(pool, View::Catalogue, story).await;
    let row = find_room(pool, room(1)).await.expect("a query").expect("a room");
    assert_eq!(past(story, 1).as_ref(), Some(&row), "as it was is as it is");
    row
}

fn past(story: &Story, number: u32) -> Option<RoomRow> {
    let mut past = PastRoom::default();
    for recorded in story.recorded() {
        if matches!(&recorded.event, domain::AnyEvent::Room(id, _) if *id == room(number)) {
            past.take_in(&recorded.event, recorded.position);
        }
    }
    past.into_row()
}

#[sqlx::test(migrations = "../migrations")]
async fn a_scheduled_room_is_listed_with_its_terms(pool: PgPool) {
    let row = room_after(&pool, &Story::new().schedule(1)).await;
    let facts = scheduled(1, usd(PRICE));
    let expected = RoomRow {
        id: room(1),
        host_id: host(),
        co_hosts: vec![],
        title: facts.title,
        description: facts.description,
        language: facts.language,
        state: RoomState::Scheduled,
        void_reason: None,
        starts_at: facts.starts_at,
        planned_minutes: 60,
        price: usd(PRICE),
        capacity: 5,
        held: 0,
        sold: 0,
        sales_open_at: facts.sales_open_at,
        sales_close_at: facts.sales_close_at,
        tickets_per_buyer: 1,
        hold_seconds: 300,
        refund_policy: facts.refund_policy,
        no_show_minutes: 15,
        offer_seconds: 600,
        transferable: false,
        recording: None,
        is_recorded: false,
        decline_until: None,
        sales_paused: false,
        opened_at: None,
        ended_at: None,
        created_position: 1,
        position: 1,
        tiers: vec![],
    };
    assert_eq!(row, expected);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_revised_room_is_shown_and_found_as_it_is_now(pool: PgPool) {
    let revision = Revision {
        title: Some("Midnight RADIO".to_owned()),
        price: Some(usd(700)),
        capacity: Some(9),
        ..Revision::default()
    };
    let story = Story::new().schedule(1).hold(1, 10).revise(1, revision).pause(1);
    let row = room_after(&pool, &story).await;
    assert_eq!(
        (row.title.as_str(), row.price, row.capacity, row.held),
        ("Midnight RADIO", usd(700), 9, 1)
    );
    assert_eq!((row.sales_paused, row.position), (true, 4));
    assert_eq!(row.description, scheduled(1, usd(PRICE)).description);
    let q = Some("midnight radio".to_owned());
    let found = list_rooms(
        &pool,
        &RoomFilter {
            q,
            ..RoomFilter::default()
        },
        None,
        9,
    )
    .await;
    assert_eq!(found.expect("a query"), [row]);
}

#[sqlx::test(migrations = "../migrations")]
async fn held_and_sold_seats_are_counted_apart(pool: PgPool) {
    let story = Story::new().schedule(1).hold(1, 10).hold(1, 11).sell(1, 11, false);
    let row = room_after(&pool, &story).await;
    assert_eq!((row.held, row.sold), (1, 1));
}

#[sqlx::test(migrations = "../migrations")]
async fn every_way_out_frees_the_seat_it_was(pool: PgPool) {
    let story = Story::new()
        .schedule(1)
        .hold(1, 10)
        .release(1, 10, ReleaseReason::Lapsed)
        .hold(1, 11)
        .release(1, 11, ReleaseReason::GivenBack)
        .hold(1, 12)
        .sell(1, 12, false)
        .release(1, 12, ReleaseReason::Refunded)
        .hold(1, 13);
    let row = room_after(&pool, &story).await;
    assert_eq!((row.held, row.sold), (1, 0));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_seat_sold_after_its_hold_lapsed_is_taken_from_nobody(pool: PgPool) {
    let story = Story::new()
        .schedule(1)
        .hold(1, 10)
        .hold(1, 11)
        .release(1, 10, ReleaseReason::Lapsed)
        .sell(1, 10, true);
    let row = room_after(&pool, &story).await;
    assert_eq!((row.held, row.sold), (1, 1));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_seat_that_is_late_or_refunded_while_it_is_held_comes_off_the_holds(pool: PgPool) {
    let sold = SeatSold {
        ticket_id: ticket(11),
        buyer: user(11),
        late: true,
        still_held: true,
        sold_at: at(5),
        retakes: None,
    };
    let refunded = SeatReleased {
        ticket_id: ticket(12),
        buyer: user(12),
        reason: ReleaseReason::Refunded,
        still_held: true,
        released_at: at(6),
    };
    let story = Story::new()
        .schedule(1)
        .hold(1, 10)
        .hold(1, 11)
        .hold(1, 12)
        .room(1, RoomEvent::SeatSold(sold))
        .room(1, RoomEvent::SeatReleased(refunded));
    let row = room_after(&pool, &story).await;
    assert_eq!((row.held, row.sold), (1, 1));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_room_opens_and_ends(pool: PgPool) {
    let row = room_after(&pool, &Story::new().schedule(1).open(1).end(1)).await;
    assert_eq!(row.state, RoomState::Ended);
    assert_eq!((row.opened_at, row.ended_at), (Some(at(2)), Some(at(3))));
    assert_eq!((row.created_position, row.position), (1, 3));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_room_names_its_co_hosts_in_the_order_they_came(pool: PgPool) {
    let appointed = |number| RoomEvent::CoHostAppointed {
        user: user(number),
        by: host(),
        appointed_at: at(2),
    };
    let dismissed = RoomEvent::CoHostDismissed {
        user: user(20),
        by: host(),
        dismissed_at: at(3),
    };
    let story = Story::new()
        .schedule(1)
        .room(1, appointed(20))
        .room(1, appointed(11))
        .room(1, dismissed)
        .room(1, appointed(20));
    let row = room_after(&pool, &story).await;
    assert_eq!((row.co_hosts, row.position), (vec![user(11), user(20)], 5));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_voided_room_says_why(pool: PgPool) {
    let voided = RoomEvent::RoomVoided {
        reason: VoidReason::NoShow,
        voided_at: at(2),
    };
    let row = room_after(&pool, &Story::new().schedule(1).room(1, voided)).await;
    assert_eq!(
        (row.state, row.void_reason),
        (RoomState::Voided, Some(VoidReason::NoShow))
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_cancelled_room_says_so(pool: PgPool) {
    let cancelled = RoomEvent::RoomCancelled { cancelled_at: at(2) };
    let row = room_after(&pool, &Story::new().schedule(1).room(1, cancelled)).await;
    assert_eq!(row.state, RoomState::Cancelled);
}

async fn listed(pool: &PgPool, filter: RoomFilter) -> Vec<u32> {
    let rows = list_rooms(pool, &filter, None, 50).await.expect("a query");
    let number = |row: &RoomRow| {
        (1..10)
            .find(|number| room(*number) == row.id)
            .expect("a room of the story")
    };
    rows.iter().map(number).collect()
}

fn listing(number: u32, change: impl FnOnce(&mut RoomScheduled)) -> RoomEvent {
    let mut listing = scheduled(number, usd(PRICE));
    change(&mut listing);
    RoomEvent::RoomScheduled(listing)
}

async fn three_rooms(pool: &PgPool) {
    let story = Story::new()
        .room(1, listing(1, |room| room.title = "100% Jazz_Night".to_owned()))
        .room(
            2,
            listing(2, |room| {
                room.description = "Über Käse".to_owned();
                room.language = "de".to_owned();
                room.price = Money::new(500, Currency::EUR);
                room.host = user(2);
            }),
        )
        .room(3, listing(3, |room| room.starts_at = at(9_000)))
        .open(3);
    project(pool, View::Catalogue, &story).await;
}

/// A new proposal asks everybody anew.
#[sqlx::test(migrations = "../migrations")]
async fn a_shared_room_is_of_its_host_and_of_whoever_agreed(pool: PgPool) {
    let (proposed_at, agreed_at) = (at(9), at(9));
    let propose = || RoomEvent::SharesProposed {
        shares: vec![],
        proposed_at,
    };
    let agree = |number| RoomEvent::ShareAgreed {
        user: user(number),
        basis_points: BasisPoints::ZERO,
        agreed_at,
    };
    let story = Story::new().schedule(1).room(1, propose()).room(1, agree(8));
    let story = story.schedule(2).room(2, propose()).room(2, agree(8));
    let story = story.room(2, propose()).room(2, agree(9));
    project(&pool, View::Catalogue, &story).await;
    let of = |person| RoomFilter {
        of: Some(person),
        ..RoomFilter::default()
    };
    assert_eq!(listed(&pool, of(user(8))).await, [1]);
    assert_eq!(listed(&pool, of(user(9))).await, [2]);
    assert_eq!(listed(&pool, of(host())).await, [2, 1]);
    assert!(listed(&pool, of(user(7))).await.is_empty());
}

#[sqlx::test(migrations = "../migrations")]
async fn rooms_are_found_by_what_they_are(pool: PgPool) {
    three_rooms(&pool).await;
    let all = RoomFilter::default;
    assert_eq!(listed(&pool, all()).await, [3, 2, 1]);
    let state = Some(RoomState::Live);
    assert_eq!(listed(&pool, RoomFilter { state, ..all() }).await, [3]);
    let host = Some(user(2));
    assert_eq!(listed(&pool, RoomFilter { host, ..all() }).await, [2]);
    let language = Some("de".to_owned());
    assert_eq!(listed(&pool, RoomFilter { language, ..all() }).await, [2]);
    let starts_after = Some(at(9_000));
    assert_eq!(listed(&pool, RoomFilter { starts_after, ..all() }).await, [3]);
    let starts_before = Some(at(9_000));
    assert_eq!(listed(&pool, RoomFilter { starts_before, ..all() }).await, [2, 1]);
    let price_max_minor = Some(500);
    assert_eq!(
        listed(
            &pool,
            RoomFilter {
                price_max_minor,
                ..all()
            }
        )
        .await,
        [2]
    );
    let currency = Some(Currency::USD);
    assert_eq!(listed(&pool, RoomFilter { currency, ..all() }).await, [3, 1]);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_search_takes_its_words_literally_and_in_any_case(pool: PgPool) {
    three_rooms(&pool).await;
    let search = async |text: &str| {
        let q = Some(text.to_owned());
        listed(
            &pool,
            RoomFilter {
                q,
                ..RoomFilter::default()
            },
        )
        .await
    };
    assert_eq!(search("jazz").await, [1]);
    assert_eq!(search("ÜBER kä").await, [2]);
    assert_eq!(search("0% J").await, [1]);
    assert_eq!(search("jazz_n").await, [1]);
    assert_eq!(search("room_3").await, [0_u32; 0], "an underscore is no wildcard");
    assert_eq!(search("%").await, [1], "a per cent sign is no wildcard");
    assert_eq!(search("\\").await, [0_u32; 0]);
    assert_eq!(search("\0").await, [0_u32; 0], "no text of the catalogue holds a NUL");
}

#[sqlx::test(migrations = "../migrations")]
async fn pages_follow_each_other_without_gap_or_repeat(pool: PgPool) {
    three_rooms(&pool).await;
    let filter = RoomFilter::default();
    let first = list_rooms(&pool, &filter, None, 2).await.expect("a query");
    let cursor = first.last().map(|row| row.created_position);
    let second = list_rooms(&pool, &filter, cursor, 2).await.expect("a query");
    let ids: Vec<_> = first.iter().chain(&second).map(|row| row.id).collect();
    assert_eq!(ids, [room(3), room(2), room(1)]);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_text_that_postgresql_cannot_store_stops_nothing(pool: PgPool) {
    let event = listing(1, |room| room.title = "a\0b".to_owned());
    let row = room_after(&pool, &Story::new().room(1, event)).await;
    assert_eq!(row.title, "a\u{fffd}b");
}

fn early(price: i64, quota: u32) -> PriceTier {
    PriceTier {
        tier: "early".to_owned(),
        name: "Early bird".to_owned(),
        price: usd(price),
        quota,
        opens_at: Some(at(5)),
        closes_at: None,
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_tier_counts_its_seats_apart_whatever_becomes_of_them(pool: PgPool) {
    let with_tiers = |tiers| Revision {
        tiers,
        ..Revision::default()
    };
    let supporter = PriceTier {
        tier: "supporter".to_owned(),
        ..early(2_500, 3)
    };
    let story = Story::new()
        .schedule(1)
        .revise(1, with_tiers(vec![early(700, 4), supporter]))
        .hold_in(1, 10, "early")
        .hold_in(1, 11, "early")
        .sell(1, 11, false)
        .hold_in(1, 12, "early")
        .release(1, 12, ReleaseReason::Lapsed)
        .hold(1, 13)
        .sell_anew(1, 12, "early")
        .revise(1, with_tiers(vec![early(800, 5)]))
        .hold_in(1, 14, "early")
        .sell(1, 14, false)
        .release(1, 14, ReleaseReason::Refunded);
    let row = room_after(&pool, &story).await;
    assert_eq!((row.held, row.sold), (2, 2));
    let expected = TierRow {
        tier: "early".to_owned(),
        name: "Early bird".to_owned(),
        price: usd(800),
        quota: 5,
        held: 1,
        sold: 2,
        opens_at: Some(at(5)),
        closes_at: None,
    };
    assert_eq!((&row.tiers[0], row.tiers.len()), (&expected, 2));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_suspension_is_a_pause_beside_the_hosts_own(pool: PgPool) {
    let suspended = RoomEvent::SalesSuspended { suspended_at: at(2) };
    let reinstated = RoomEvent::SalesReinstated { reinstated_at: at(3) };
    let story = Story::new()
        .schedule(1)
        .room(1, suspended.clone())
        .schedule(2)
        .pause(2)
        .room(2, suspended)
        .room(2, reinstated);
    project(&pool, View::Catalogue, &story).await;
    for number in [1, 2] {
        let row = find_room(&pool, room(number)).await.expect("a query").expect("a room");
        assert!(row.sales_paused, "room {number}");
        assert_eq!(past(&story, number), Some(row), "as it was is as it is");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn rooms_are_hosted_once_they_were_delivered(pool: PgPool) {
    let held = |story: Story, number| story.schedule(number).open(number).end(number);
    let story = held(Story::new(), 1).deliver(1, &[]);
    let ended_at = at(3);
    let story = held(story, 2).schedule(3);
    project(&pool, View::Catalogue, &story).await;
    let count = |host, since| count_rooms_hosted(&pool, host, since);
    assert_eq!(count(host(), ended_at).await.expect("a query"), 1);
    assert_eq!(count(host(), at(4)).await.expect("a query"), 0);
    assert_eq!(count(user(2), at(0)).await.expect("a query"), 0);
}

fn on_air() -> Story {
    let story = Story::new().schedule(1).revise(1, recorded()).open(1);
    story.room(1, recording_started(1))
}

#[sqlx::test(migrations = "../migrations")]
async fn a_room_that_is_recorded_says_so_and_on_what_terms(pool: PgPool) {
    let row = room_after(&pool, &on_air()).await;
    assert_eq!((row.recording, row.is_recorded), (recorded().recording, true));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_room_that_was_recorded_is_not_any_more(pool: PgPool) {
    let row = room_after(&pool, &on_air().room(1, recording_stopped())).await;
    assert_eq!((row.recording, row.is_recorded), (recorded().recording, false));
}
