//! The timer of a room's holds: one at a time, always set while there are holds.

use std::time::Duration;

use chrono::TimeDelta;
use domain::{RoomId, Timestamp};
use sqlx::PgPool;
use uuid::Uuid;

use super::world::{World, hasty, room};
use crate::jobs::{self, Claimed, JobRow, JobState, Lane};
use crate::{Job, NewJob, Outcome};

fn timer(room: RoomId, caused_by: u64, run_at: Timestamp) -> NewJob {
    NewJob {
        job: Job::LapseHolds { room },
        caused_by,
        correlation_id: Uuid::from_u128(3),
        run_at: Some(run_at),
    }
}

async fn set(world: &World, timers: Vec<NewJob>) {
    let mut connection = world.deps.pool.acquire().await.unwrap();
    jobs::set_timers(&mut connection, timers).await.unwrap();
}

async fn rows(world: &World) -> Vec<JobRow> {
    jobs::list(&world.deps.pool, None, 100).await.unwrap()
}

async fn claim(world: &World, at: Timestamp) -> Claimed {
    let claimed = jobs::claim(&world.deps.pool, Lane::Log, at, Duration::from_mins(1), 10).await;
    let [claimed] = claimed.unwrap().try_into().unwrap();
    claimed
}

async fn record(world: &World, claimed: &Claimed, outcome: Outcome) {
    let (pool, now) = (&world.deps.pool, world.now());
    jobs::record(pool, claimed, &Ok(outcome), now, &world.deps.settings)
        .await
        .unwrap();
}

/// A whole number of microseconds, as PostgreSQL keeps it.
fn time(world: &World, seconds: i64) -> Timestamp {
    use chrono::DurationRound;
    (world.now() + TimeDelta::seconds(seconds))
        .duration_trunc(TimeDelta::seconds(1))
        .unwrap()
}

#[sqlx::test(migrations = "../migrations")]
async fn many_holds_of_a_room_set_one_timer_for_the_first_to_lapse(pool: PgPool) {
    let world = World::idle(pool, hasty()).await;
    let (early, late) = (time(&world, 100), time(&world, 200));
    set(
        &world,
        vec![
            timer(room(1), 5, late),
            timer(room(1), 6, early),
            timer(room(2), 7, late),
            timer(room(1), 8, late),
        ],
    )
    .await;
    set(&world, vec![timer(room(1), 9, late)]).await;
    let mut found: Vec<(String, Timestamp)> = rows(&world)
        .await
        .into_iter()
        .map(|row| (row.key, row.run_at))
        .collect();
    found.sort();
    assert_eq!(found, [(room(1).to_string(), early), (room(2).to_string(), late)]);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_hold_that_lapses_earlier_brings_the_timer_forward(pool: PgPool) {
    let world = World::idle(pool, hasty()).await;
    set(&world, vec![timer(room(1), 5, time(&world, 200))]).await;
    let early = time(&world, 100);
    set(&world, vec![timer(room(1), 6, early)]).await;
    assert_eq!(rows(&world).await[0].run_at, early);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_timer_that_ended_can_be_set_again(pool: PgPool) {
    let world = World::idle(pool, hasty()).await;
    let (first, second) = (time(&world, 100), time(&world, 900));
    set(&world, vec![timer(room(1), 5, first)]).await;
    let claimed = claim(&world, first).await;
    record(&world, &claimed, Outcome::Done).await;
    assert_eq!(rows(&world).await[0].state, JobState::Done.as_str());
    set(&world, vec![timer(room(1), 6, second)]).await;
    let [row] = rows(&world).await.try_into().unwrap();
    assert_eq!((row.state.as_str(), row.run_at, row.attempts), ("queued", second, 0));
}

/// The timer looked at the room, then somebody held a seat, then the timer said that there was nothing to wait for.
#[sqlx::test(migrations = "../migrations")]
async fn a_timer_set_while_it_ends_rings_again(pool: PgPool) {
    let world = World::idle(pool, hasty()).await;
    let (first, second) = (time(&world, 100), time(&world, 900));
    set(&world, vec![timer(room(1), 5, first)]).await;
    for outcome in [Outcome::Done, Outcome::RetryAt(time(&world, 5_000))] {
        let claimed = claim(&world, first).await;
        set(&world, vec![timer(room(1), claimed.caused_by + 1, second)]).await;
        record(&world, &claimed, outcome).await;
        let [row] = rows(&world).await.try_into().unwrap();
        assert_eq!(
            (row.state.as_str(), row.run_at),
            ("queued", first),
            "it looks again, at once"
        );
    }
}
