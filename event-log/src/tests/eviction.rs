//! What stays in memory, and what leaves it.

use std::time::Duration;

use uuid::Uuid;

use super::hall::{HallCommand, sell};
use super::hot::House;
use super::support::*;
use crate::{EventLog as _, LogLimits};

#[tokio::test]
async fn idle_aggregates_make_room() {
    let house = House::with(LogLimits {
        hot_aggregates: 8,
        ..LogLimits::default()
    });
    for round in 1..=3 {
        for number in 0..50 {
            let id = Uuid::from_u128(number);
            house.halls.execute(id, sell(), metadata()).await.unwrap();
            assert!(house.halls.store().len() <= 8);
            assert_eq!(house.halls.read(id, |hall| hall.sold).await.unwrap().0, round);
        }
    }
}

#[tokio::test]
async fn idle_aggregates_make_room_in_bytes() {
    let house = House::with(LogLimits {
        hot_bytes: 64 << 10,
        ..LogLimits::default()
    });
    let store = house.halls.store();
    for number in 0..50 {
        let id = Uuid::from_u128(number);
        let command = HallCommand::Sell { seats: 100, of: 100 };
        house.halls.execute(id, command, metadata()).await.unwrap();
        // A hall of a hundred seats is made of about 2 KB.
        assert!(store.bytes() <= 70 << 10, "{} bytes", store.bytes());
        assert_eq!(house.halls.read(id, |hall| hall.sold).await.unwrap().0, 100);
    }
    assert!((10..40).contains(&store.len()), "{} stay", store.len());
    for number in 0..50 {
        assert_eq!(
            house
                .halls
                .read(Uuid::from_u128(number), |hall| hall.sold)
                .await
                .unwrap()
                .0,
            100
        );
    }
}

#[tokio::test]
async fn what_nobody_used_for_long_leaves() {
    let house = House::with(LogLimits {
        hot_idle: Duration::ZERO,
        ..LogLimits::default()
    });
    let sold = async |number| {
        house
            .halls
            .read(Uuid::from_u128(number), |hall| hall.sold)
            .await
            .unwrap()
    };
    house
        .halls
        .execute(Uuid::from_u128(1), sell(), metadata())
        .await
        .unwrap();
    house
        .halls
        .execute(Uuid::from_u128(2), sell(), metadata())
        .await
        .unwrap();
    house.log.hot_aggregates().keep_house();
    assert_eq!(sold(1).await, (1, 1));
    house.log.hot_aggregates().keep_house();
    assert_eq!(house.halls.store().len(), 1);
    house.log.hot_aggregates().keep_house();
    assert_eq!((house.halls.store().len(), house.halls.store().bytes()), (0, 0));
    assert_eq!(sold(2).await, (1, 2));
    assert_eq!(house.halls.store().cold_loads(), 3);
    // Nobody uses it, but it waits for its fate.
    house.log.hold();
    let sale = house.start(sell()).await;
    house.log.hot_aggregates().keep_house();
    house.log.hot_aggregates().keep_house();
    assert_eq!(house.halls.store().len(), 1);
    house.log.release();
    sale.await.unwrap();
}

#[tokio::test]
async fn an_aggregate_with_an_append_in_flight_stays() {
    let house = House::with(LogLimits {
        hot_aggregates: 2,
        ..LogLimits::default()
    });
    house.log.hold();
    let halls = &house.halls;
    let sales = |count: u128| (0..count).map(|number| halls.execute(Uuid::from_u128(number), sell(), metadata()));
    let mut first = Box::pin(futures::future::join_all(sales(20)));
    let mut second = Box::pin(futures::future::join_all(sales(20)));
    until("all are queued", async || {
        assert!(futures::poll!(&mut first).is_pending() && futures::poll!(&mut second).is_pending());
        house.log.queued() == 40
    })
    .await;
    assert_eq!(house.halls.store().len(), 20);
    house.log.release();
    assert!(first.await.into_iter().chain(second.await).all(|sale| sale.is_ok()));
    assert_eq!(house.halls.store().cold_loads(), 20);
}
