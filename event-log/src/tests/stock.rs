//! A stock postgres-es reads our log, and its traps are not ours.

use std::sync::Arc;

use cqrs_es::persist::{PersistedEventRepository as _, PersistedEventStore};
use cqrs_es::{AggregateContext as _, EventStore as _};
use postgres_es::PostgresEventRepository;
use sqlx::PgPool;
use uuid::Uuid;

use super::hall::{Hall, HallCommand, sell};
use super::support::*;
use crate::{EventLog as _, Executor, Metadata};

#[sqlx::test(migrations = "../migrations")]
async fn a_stock_event_store_folds_to_the_same_state(pool: PgPool) {
    let opened = Opened::new(&pool).await;
    let halls: Executor<Hall> = Executor::new(opened.port());
    let (id, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let caused = Metadata::for_actor("process:test", Uuid::nil()).caused_by(u64::MAX);
    for _ in 0..5 {
        halls.execute(id, sell(), caused.clone()).await.unwrap();
        halls.execute(other, sell(), metadata()).await.unwrap();
    }
    halls
        .execute(id, HallCommand::Sell { seats: 3, of: 8 }, metadata())
        .await
        .unwrap();

    let repository = PostgresEventRepository::new(pool.clone());
    let serialized = repository.get_events::<Hall>(&id.to_string()).await.unwrap();
    assert_eq!(
        serialized.iter().map(|event| event.sequence).collect::<Vec<_>>(),
        (1..=8).collect::<Vec<_>>()
    );
    let stock = PersistedEventStore::<_, Hall>::new_event_store(repository);
    let envelopes = stock.load_events(&id.to_string()).await.unwrap();
    assert_eq!(envelopes[0].metadata["causation_position"], u64::MAX.to_string());
    let mut context = stock.load_aggregate(&id.to_string()).await.unwrap();
    let (live, position) = halls.read(id, Hall::clone).await.unwrap();
    assert_eq!(*context.aggregate(), live);
    assert_eq!((live.sold, position), (8, 13));

    // Nothing is applied twice when it is loaded again, by us or by them.
    drop(halls);
    opened.close().await;
    let reopened = Opened::new(&pool).await;
    let cold: Executor<Hall> = Executor::new(reopened.port());
    assert_eq!(cold.read(id, Hall::clone).await.unwrap(), (live, 13));
    reopened.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_sequence_beyond_32_bits_stays_what_it_is(pool: PgPool) {
    let huge = i64::from(u32::MAX) + 5;
    tamper(
        &pool,
        &format!(
            "INSERT INTO events VALUES
            (1, 'counter', 'a', {huge}, 'counted', '1', '{{}}', '{{}}', now(), sha256(''))"
        ),
    )
    .await;
    let opened = Opened::new(&pool).await;
    let version = huge.cast_unsigned();
    let appended = opened
        .log
        .append(vec![append("a", version, 1)])
        .await
        .remove(0)
        .unwrap();
    assert_eq!(appended.last_sequence, version + 1);
    let events = opened.log.read_stream(&stream("a"), version, 10).await.unwrap();
    assert_eq!(events[0].sequence, version + 1);
    opened.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn json_is_stored_as_the_text_that_was_hashed(pool: PgPool) {
    let opened = Opened::new(&pool).await;
    let text = r#"{"zeta":1E2, "a":1,"a":2,"n":18446744073709551615}"#;
    let mut exact = append("a", 0, 1);
    exact.events[0].payload = text.as_bytes().to_vec();
    exact.metadata = Arc::from(text.as_bytes());
    opened.log.append(vec![exact]).await.remove(0).unwrap();
    let same = format!("SELECT count(*) FROM events WHERE payload::text = '{text}' AND metadata::text = '{text}'");
    assert_eq!(count(&pool, &same).await, 1);
    opened.close().await;
}
