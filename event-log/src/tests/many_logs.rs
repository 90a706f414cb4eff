//! Many logs in one table (`migrations/distributed/log_id.sql`): each is what it was, and none is another's.

use cqrs_es::persist::{PersistedEventRepository as _, PersistedEventStore};
use cqrs_es::{AggregateContext as _, EventStore as _};
use postgres_es::PostgresEventRepository;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use uuid::Uuid;

use super::hall::{Hall, sell};
use super::support::*;
use crate::verify::{Verdict, verify_chain};
use crate::{Executor, LogLimits};

/// What a log consists of, in a schema of its own.
const LOG: [&str; 4] = [
    include_str!("../../../migrations/20261124000001_events.sql"),
    include_str!("../../../migrations/20261124000020_log_leader.sql"),
    include_str!("../../../migrations/20261129000001_snapshots.sql"),
    include_str!("../../../migrations/20261201120000_log_origin.sql"),
];
const MANY_LOGS: &str = include_str!("../../../migrations/distributed/log_id.sql");
const ALL: &str = "SELECT string_agg(md5(events::text), '' ORDER BY position) FROM (
    SELECT position, aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, recorded_at, hash
    FROM events) AS events";

/// A tenant: a schema in the same database.
struct Tenant {
    pool: PgPool,
    limits: LogLimits,
}

impl Tenant {
    async fn new(database: &PgPool, schema: &'static str, lock: i64) -> Self {
        sql(database, &format!("CREATE SCHEMA {schema}")).await.unwrap();
        let options = database.connect_options().as_ref().clone();
        let pool = PgPoolOptions::new()
            .max_connections(5)
            .connect_with(options.options([("search_path", schema)]))
            .await
            .unwrap();
        for part in LOG {
            sql(&pool, part).await.unwrap();
        }
        sql(&pool, &format!("GRANT USAGE ON SCHEMA {schema} TO boxoffice_sequencer"))
            .await
            .unwrap();
        // Locks are a database's: two tenants of one have a leader each.
        let limits = LogLimits {
            leader_lock: lock,
            ..LogLimits::default()
        };
        Self { pool, limits }
    }

    async fn sell(&self, hall: Uuid, times: u64) {
        let opened = Opened::with(&self.pool, self.limits.clone()).await;
        let halls: Executor<Hall> = Executor::new(opened.port());
        for _ in 0..times {
            halls.execute(hall, sell(), metadata()).await.unwrap();
        }
        drop(halls);
        opened.close().await;
    }

    async fn all(&self) -> String {
        use sqlx::Row as _;
        sqlx::raw_sql(ALL).fetch_one(&self.pool).await.unwrap().get(0)
    }

    /// Whole by its chain, without a gap, and as long as this.
    async fn has(&self, events: u64) {
        let verdict = verify_chain(&self.pool).await.unwrap();
        assert!(
            matches!(verdict, Verdict::Verified { events: found, head } if found == events && head.position == events),
            "{verdict:?}"
        );
        let last = events.cast_signed();
        let gapless = format!("SELECT count(*) FROM events WHERE position BETWEEN 1 AND {last}");
        assert_eq!(count(&self.pool, &gapless).await, last);
    }
}

async fn two(database: &PgPool, hall: Uuid) -> (Tenant, Tenant) {
    let (first, second) = (
        Tenant::new(database, "first", 1).await,
        Tenant::new(database, "second", 2).await,
    );
    first.sell(hall, 5).await;
    second.sell(hall, 3).await;
    sql(database, MANY_LOGS).await.unwrap();
    (first, second)
}

async fn adopt(database: &PgPool) {
    for tenant in ["first", "second"] {
        sql(database, &format!("CALL logs.adopt('{tenant}', 'log of {tenant}')"))
            .await
            .unwrap();
    }
}

#[sqlx::test(migrations = false)]
async fn a_log_that_moves_is_what_it_was_and_goes_on(database: PgPool) {
    let hall = Uuid::from_u128(7);
    let (first, second) = two(&database, hall).await;
    let before = (first.all().await, second.all().await);
    adopt(&database).await;
    assert_eq!((first.all().await, second.all().await), before);
    assert_ne!(before.0, before.1);

    // The sequencer, the hot aggregates and the verification know nothing of it. Both tenants have the same stream.
    tokio::join!(first.sell(hall, 20), second.sell(hall, 10));
    for (tenant, sold) in [(&first, 25), (&second, 13)] {
        tenant.has(sold).await;
        let stock = PersistedEventStore::<_, Hall>::new_event_store(PostgresEventRepository::new(tenant.pool.clone()));
        let mut context = stock.load_aggregate(&hall.to_string()).await.unwrap();
        assert_eq!(context.aggregate().sold, sold);
        let events = PostgresEventRepository::new(tenant.pool.clone())
            .get_events::<Hall>(&hall.to_string())
            .await
            .unwrap();
        assert_eq!(events.len() as u64, sold);
    }
    assert_eq!(count(&database, "SELECT count(*) FROM logs.events").await, 38);
    let again = sql(&database, "CALL logs.adopt('first', 'log of first')")
        .await
        .unwrap_err();
    assert!(again.to_string().contains("already"), "{again}");
}

#[sqlx::test(migrations = false)]
async fn no_log_reaches_another_and_nobody_changes_one(database: PgPool) {
    let (first, second) = two(&database, Uuid::from_u128(7)).await;
    adopt(&database).await;
    let columns = "position, aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, recorded_at, hash";
    let row = "9, 'hall', 'x', 1, event_type, event_version, payload, metadata, recorded_at, hash";
    let appends = |target: &str, log: &str| {
        format!("INSERT INTO {target} ({columns}, log_id) SELECT {row}, '{log}' FROM events WHERE position = 1")
    };
    for (code, statement) in [
        // Not another's, through one's own; not past one's own.
        (
            "44000",
            format!("SET ROLE boxoffice_sequencer; {}", appends("events", "log of second")),
        ),
        (
            "42501",
            format!(
                "SET ROLE boxoffice_sequencer; {}",
                appends("logs.events", "log of first")
            ),
        ),
        // Not as somebody else, and never a change.
        ("42501", appends("events", "log of first")),
        ("42501", appends("logs.events", "log of second")),
        ("42501", "UPDATE events SET payload = '{}'".to_owned()),
        ("42501", "DELETE FROM events WHERE false".to_owned()),
        ("42501", "UPDATE logs.events SET log_id = 'log of second'".to_owned()),
        ("42501", "TRUNCATE logs.events".to_owned()),
        ("42501", "SET ROLE boxoffice_sequencer; DELETE FROM events".to_owned()),
    ] {
        let mut session = first.pool.acquire().await.unwrap();
        let error = sqlx::raw_sql(&statement).execute(&mut *session).await.unwrap_err();
        assert_eq!(
            error.as_database_error().unwrap().code().unwrap(),
            code,
            "{statement}: {error}"
        );
        session.close_on_drop();
    }
    first.has(5).await;
    second.has(3).await;
    // One position twice is refused in one log, and is nothing to another.
    let fence = "INSERT INTO events (position, aggregate_type, aggregate_id, sequence, event_type, event_version, payload, \
                 metadata, recorded_at, hash) SELECT 1, 'hall', 'x', 1, event_type, event_version, payload, metadata, \
                 recorded_at, hash FROM events WHERE position = 1";
    let error = sql(&first.pool, &format!("SET ROLE boxoffice_sequencer; {fence}"))
        .await
        .unwrap_err();
    assert_eq!(error.as_database_error().unwrap().constraint(), Some("events_position"));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_database_of_the_shop_moves_its_log_too(database: PgPool) {
    let sell = async |times: u64| {
        let opened = Opened::new(&database).await;
        let halls: Executor<Hall> = Executor::new(opened.port());
        for _ in 0..times {
            halls.execute(Uuid::from_u128(7), sell(), metadata()).await.unwrap();
        }
        drop(halls);
        opened.close().await;
    };
    sell(4).await;
    sql(&database, MANY_LOGS).await.unwrap();
    sql(&database, "CALL logs.adopt('public', 'the shop')").await.unwrap();
    sell(4).await;
    assert_eq!(
        count(&database, "SELECT count(*) FROM logs.events WHERE log_id = 'the shop'").await,
        8
    );
    assert!(matches!(
        verify_chain(&database).await.unwrap(),
        Verdict::Verified { events: 8, .. }
    ));
}

#[sqlx::test(migrations = false)]
async fn every_key_begins_with_the_column_that_spreads_the_table(database: PgPool) {
    sql(&database, "CREATE ROLE boxoffice_sequencer NOLOGIN").await.ok();
    sql(&database, MANY_LOGS).await.unwrap();
    let keys = "SELECT count(*) FROM pg_index WHERE indrelid = 'logs.events'::regclass AND indisunique";
    assert_eq!(count(&database, keys).await, 2);
    // What Citus asks of a unique key, and more: it contains the column. What keeps a log's rows together: it leads.
    let led = format!(
        "{keys} AND indkey[0] = (
            SELECT attnum FROM pg_attribute WHERE attrelid = 'logs.events'::regclass AND attname = 'log_id')"
    );
    assert_eq!(count(&database, &led).await, 2);
}
