//! The table of jobs: no job twice, no job lost, no job for ever.

use std::pin::pin;
use std::time::Duration;

use domain::RoomId;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::world::{World, hasty, room, ticket, until};
use crate::jobs::{self, BACKOFF_MAX, Endings, JobState, Lane, backoff};
use crate::runner::execute;
use crate::{Job, JobError, NewJob, Outcome, ProcessSettings};

fn new(job: Job) -> NewJob {
    NewJob {
        job,
        caused_by: 1,
        correlation_id: Uuid::from_u128(3),
        run_at: None,
    }
}

/// A job that can never succeed: there is no such ticket.
fn hopeless() -> Job {
    Job::ReleaseRefundedSeat { ticket: ticket(404) }
}

async fn store(world: &World, new: &[NewJob]) {
    let mut connection = world.deps.pool.acquire().await.unwrap();
    jobs::store(&mut connection, new, world.now()).await.unwrap();
}

/// But for the timers of rooms, which are far from ringing.
async fn queued(world: &World) -> usize {
    let queued = jobs::list(&world.deps.pool, Some(JobState::Queued), 100);
    let queued = queued.await.unwrap();
    queued.iter().filter(|job| job.kind != "void_no_show").count()
}

#[sqlx::test(migrations = "../migrations")]
async fn the_same_job_is_stored_once(pool: PgPool) {
    let world = World::idle(pool, hasty()).await;
    let first = new(hopeless());
    let mut later = first.clone();
    later.caused_by = 2;
    store(&world, &[first.clone(), first.clone()]).await;
    store(&world, &[first, later]).await;
    assert_eq!(queued(&world).await, 2);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_claimed_job_is_not_claimed_again_before_its_lease_ends(pool: PgPool) {
    let world = World::idle(pool, hasty()).await;
    store(&world, &[new(hopeless())]).await;
    let (pool, now) = (&world.deps.pool, world.now());
    let claim = async |lease| {
        let claimed = jobs::claim(pool, Lane::Log, now, lease, 10).await.unwrap();
        claimed.iter().map(|job| job.attempts).collect::<Vec<_>>()
    };
    assert_eq!(
        claim(Duration::ZERO).await,
        [1],
        "by a worker that died: its lease is over"
    );
    assert_eq!(claim(Duration::from_mins(1)).await, [2]);
    assert!(claim(Duration::from_mins(1)).await.is_empty());
}

#[sqlx::test(migrations = "../migrations")]
async fn a_timer_is_not_claimed_before_its_time(pool: PgPool) {
    let world = World::idle(pool, hasty()).await;
    let mut timer = new(hopeless());
    let rings_at = world.now() + chrono::TimeDelta::hours(1);
    timer.run_at = Some(rings_at);
    store(&world, &[timer]).await;
    let lease = Duration::from_secs(1);
    assert!(
        jobs::claim(&world.deps.pool, Lane::Log, world.now(), lease, 10)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        jobs::next_run_at(&world.deps.pool, Lane::Log).await.unwrap(),
        Some(rings_at)
    );
    assert_eq!(
        jobs::claim(&world.deps.pool, Lane::Log, rings_at, lease, 10)
            .await
            .unwrap()
            .len(),
        1
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_job_dies_after_its_last_try_and_can_be_run_again(pool: PgPool) {
    let settings = ProcessSettings {
        attempts_max: 3,
        ..hasty()
    };
    let mut world = World::idle(pool, settings).await;
    store(&world, &[new(hopeless())]).await;
    world.run();
    until("the job is dead", || async { world.dead_jobs().await == 1 }).await;
    let pool = &world.deps.pool;
    let dead = jobs::list(pool, Some(JobState::Dead), 10).await.unwrap();
    assert_eq!((dead[0].attempts, dead[0].kind.as_str()), (3, "release_refunded_seat"));
    assert!(dead[0].last_error.is_some());

    world.stop().await;
    assert!(jobs::rerun(pool, dead[0].id, world.now()).await.unwrap());
    assert!(
        !jobs::rerun(pool, dead[0].id, world.now()).await.unwrap(),
        "it is not dead any more"
    );
    assert_eq!(
        jobs::list(pool, Some(JobState::Queued), 10).await.unwrap()[0].attempts,
        0
    );
    world.run();
    until("the job is dead again", || async { world.dead_jobs().await == 1 }).await;
    world.stop().await;
    assert_eq!(jobs::rerun_dead(&world.deps.pool, world.now()).await.unwrap(), 1);
}

/// Claims whatever is due by a worker that dies at once, as soon as it can.
async fn kill_worker(world: &World, times: i32) {
    for _ in 0..times {
        until("the lease of the last one ends", || async {
            let (pool, now) = (&world.deps.pool, world.now());
            !jobs::claim(pool, Lane::Log, now, Duration::ZERO, 10)
                .await
                .unwrap()
                .is_empty()
        })
        .await;
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_job_that_kills_its_worker_is_put_aside_in_the_end(pool: PgPool) {
    let settings = ProcessSettings {
        attempts_max: 4,
        ..hasty()
    };
    let mut world = World::idle(pool, settings).await;
    // Whoever ran it would find nothing to do: a job that is dead was not run.
    store(&world, &[new(Job::SellSeat { ticket: ticket(404) })]).await;
    kill_worker(&world, 4).await;
    world.run();
    until("the job is dead", || async { world.dead_jobs().await == 1 }).await;
    let dead = jobs::list(&world.deps.pool, Some(JobState::Dead), 10).await.unwrap();
    let reason = dead[0].last_error.as_deref().unwrap();
    assert!(reason.contains("its worker died"), "{reason}");

    // A human has mended it.
    assert!(jobs::rerun(&world.deps.pool, dead[0].id, world.now()).await.unwrap());
    world.until_quiet().await;
    assert_eq!(world.dead_jobs().await, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_job_whose_worker_died_less_often_runs(pool: PgPool) {
    let settings = ProcessSettings {
        attempts_max: 4,
        ..hasty()
    };
    let mut world = World::idle(pool, settings).await;
    store(&world, &[new(Job::SellSeat { ticket: ticket(404) })]).await;
    kill_worker(&world, 3).await;
    world.run();
    until("the job is done", || async { queued(&world).await == 0 }).await;
    assert_eq!(world.dead_jobs().await, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_job_that_kills_its_worker_takes_no_others_with_it(pool: PgPool) {
    let world = World::idle(pool, hasty()).await;
    let innocent = |number| new(Job::SellSeat { ticket: ticket(number) });
    store(&world, &[new(hopeless()), innocent(1), innocent(2)]).await;
    kill_worker(&world, 20).await;
    let mut rows = jobs::list(&world.deps.pool, None, 10).await.unwrap();
    rows.sort_by_key(|row| row.id);
    let attempts: Vec<i32> = rows.iter().map(|row| row.attempts).collect();
    assert_eq!(attempts, [20, 3, 3]);
    // Nor does anybody look for the others in vain, again and again.
    assert_eq!(jobs::next_run_at(&world.deps.pool, Lane::Log).await.unwrap(), None);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_database_that_is_away_when_a_job_ends_costs_no_try(pool: PgPool) {
    let world = World::idle(pool, hasty()).await;
    store(&world, &[new(Job::SellSeat { ticket: ticket(404) })]).await;
    let (pool, now) = (&world.deps.pool, world.now());
    let claimed = jobs::claim(pool, Lane::Log, now, Duration::ZERO, 1).await.unwrap();
    let rename = |statement: &'static str| sqlx::raw_sql(statement).execute(pool);
    rename("ALTER TABLE jobs RENAME TO jobs_away").await.unwrap();
    let cancel = CancellationToken::new();
    let endings = Endings::new(pool.clone());
    let mut run = pin!(execute(&world.deps, &endings, &claimed[0], Lane::Log, &cancel));
    let is_over = tokio::time::timeout(Duration::from_millis(200), run.as_mut()).await;
    assert!(is_over.is_err(), "it cannot have been written");
    rename("ALTER TABLE jobs_away RENAME TO jobs").await.unwrap();
    run.await;
    let row = &jobs::list(pool, None, 1).await.unwrap()[0];
    assert_eq!((row.state.as_str(), row.attempts), ("done", 1));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_refusal_that_no_repeat_will_change_kills_at_once(pool: PgPool) {
    let mut world = World::idle(pool, hasty()).await;
    // An issue without an order: refused, for ever.
    let issue = Job::IssueTicket {
        room: room(1),
        ticket: ticket(404),
    };
    store(&world, &[new(issue)]).await;
    world.run();
    until("the job is dead", || async { world.dead_jobs().await == 1 }).await;
    let dead = jobs::list(&world.deps.pool, Some(JobState::Dead), 10).await.unwrap();
    assert_eq!(dead[0].attempts, 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_stored_job_of_an_unknown_kind_dies_visibly(pool: PgPool) {
    let mut world = World::idle(pool, hasty()).await;
    sqlx::query!(
        r#"INSERT INTO jobs (kind, key, payload, caused_by, correlation_id, run_at)
           VALUES ('sing', 'a song', '{"kind": "sing"}', 1, gen_random_uuid(), $1)"#,
        world.now(),
    )
    .execute(&world.deps.pool)
    .await
    .unwrap();
    world.run();
    until("the job is dead", || async { world.dead_jobs().await == 1 }).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn an_outage_does_not_count_as_a_try(pool: PgPool) {
    let world = World::idle(pool, hasty()).await;
    store(&world, &[new(hopeless())]).await;
    let pool = &world.deps.pool;
    for outages in 1..=20 {
        let now = world.now() + chrono::TimeDelta::days(outages);
        let claimed = jobs::claim(pool, Lane::Log, now, Duration::from_mins(1), 1)
            .await
            .unwrap();
        let result = Err(JobError::Outage("away".to_owned()));
        let is_dead = jobs::record(pool, &claimed[0], &result, now, &hasty()).await.unwrap();
        assert!(!is_dead);
    }
    let row = &jobs::list(pool, None, 1).await.unwrap()[0];
    assert_eq!((row.attempts, row.outages), (0, 20));
}

#[sqlx::test(migrations = "../migrations")]
async fn what_follows_from_a_job_is_stored_with_its_end_and_once(pool: PgPool) {
    let world = World::idle(pool, hasty()).await;
    store(&world, &[new(Job::SettleRoom { room: room(1) })]).await;
    let (pool, now) = (&world.deps.pool, world.now());
    let claimed = jobs::claim(pool, Lane::Log, now, Duration::from_mins(1), 1)
        .await
        .unwrap();
    let next = vec![
        Job::SettleTicket {
            ticket: ticket(1),
            missing: None,
        },
        Job::SettleTicket {
            ticket: ticket(2),
            missing: None,
        },
    ];
    for _ in 0..2 {
        let result = Ok(Outcome::Then(next.clone()));
        jobs::record(pool, &claimed[0], &result, now, &hasty()).await.unwrap();
    }
    assert_eq!(queued(&world).await, 2);
    assert_eq!(jobs::list(pool, Some(JobState::Done), 10).await.unwrap().len(), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn done_jobs_are_forgotten_in_the_end(pool: PgPool) {
    let world = World::idle(pool, hasty()).await;
    store(&world, &[new(hopeless()), new(Job::SettleRoom { room: room(1) })]).await;
    let (pool, now) = (&world.deps.pool, world.now());
    let claimed = jobs::claim(pool, Lane::Log, now, Duration::from_mins(1), 1)
        .await
        .unwrap();
    jobs::record(pool, &claimed[0], &Ok(Outcome::Done), now, &hasty())
        .await
        .unwrap();
    assert_eq!(jobs::prune(pool, now).await.unwrap(), 0, "it was done just now");
    assert_eq!(jobs::prune(pool, now + chrono::TimeDelta::seconds(1)).await.unwrap(), 1);
    assert_eq!(queued(&world).await, 1);
}

#[test]
fn back_off_doubles_up_to_its_limit() {
    let first = Duration::from_millis(200);
    for (failures, full) in [
        (0, 200),
        (1, 400),
        (4, 3_200),
        (7, 25_600),
        (8, 30_000),
        (1_000, 30_000),
    ] {
        let wait = backoff(first, failures);
        let full = Duration::from_millis(full);
        assert!(
            wait >= full / 2 && wait <= full && wait <= BACKOFF_MAX,
            "{failures}: {wait:?}"
        );
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn jobs_that_ask_the_provider_have_workers_of_their_own(pool: PgPool) {
    let world = World::idle(pool, hasty()).await;
    let cancel = Job::CancelIntents { ticket: ticket(1) };
    store(&world, &[new(cancel.clone()), new(hopeless())]).await;
    assert!(Job::PROVIDER_KINDS.contains(&cancel.kind()));
    let (pool, now) = (&world.deps.pool, world.now());
    for (lane, kind) in [(Lane::Provider, cancel.kind()), (Lane::Log, hopeless().kind())] {
        let claimed = jobs::claim(pool, lane, now, Duration::from_mins(1), 10).await.unwrap();
        let kinds: Vec<&str> = claimed.iter().map(|claimed| claimed.kind.as_str()).collect();
        assert_eq!(kinds, [kind]);
    }
}

#[test]
fn every_kind_names_itself_in_its_payload() {
    let jobs = [
        Job::SellSeat { ticket: ticket(1) },
        Job::SettleRoom {
            room: RoomId::from_uuid(Uuid::from_u128(1)),
        },
        hopeless(),
    ];
    for job in jobs {
        let payload = serde_json::to_value(&job).unwrap();
        assert_eq!(payload["kind"], job.kind());
        assert_eq!(serde_json::from_value::<Job>(payload).unwrap(), job);
    }
}
