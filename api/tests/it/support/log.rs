//! On which log the shop is built: `BOXOFFICE_TEST_LOG` is `postgres` (and nothing means that), `memory`, `esdb` or `kurrentdb`.
//! Those that are not PostgreSQL are copied there.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use esdb_fake::EsdbFake;
use event_log::{Clock, CopiedLog, EventLog, LogLimits, LogSettings, MemoryLog, PostgresLog};
use event_log_esdb::{Client, EsdbLimits, EsdbLog, EventStore, Kurrent};
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What lies beside a database for as long as the test runs, however often its shop is opened.
enum Beside {
    Memory(Arc<MemoryLog>),
    Engine(EsdbFake),
}

static BESIDE: Mutex<Option<HashMap<String, Arc<Beside>>>> = Mutex::new(None);

fn kind() -> String {
    std::env::var("BOXOFFICE_TEST_LOG").unwrap_or_default()
}

pub(super) async fn open(
    options: PgConnectOptions,
    pool: PgPool,
    mut settings: LogSettings,
    (tracker, cancel): (&TaskTracker, &CancellationToken),
) -> Arc<dyn EventLog> {
    let database = options.get_database().unwrap_or_default().to_owned();
    let (limits, clock) = (settings.limits.clone(), Arc::clone(&settings.clock));
    let kind = kind();
    let beside = beside(&kind, &database, &limits, &clock);
    // What is beneath the copy stops after it.
    let beneath = match beside {
        Some(_) => CancellationToken::new(),
        None => cancel.clone(),
    };
    settings.is_copy = beside.is_some();
    let start = Start {
        tracker,
        cancel: &beneath,
    };
    claim_tls();
    let own = PostgresLog::connect_with(options, pool, settings, tracker, beneath.clone()).await;
    let own = own.expect("open the log");
    let source: Arc<dyn EventLog> = match (&*kind, beside.as_deref()) {
        (_, None) => return own,
        (_, Some(Beside::Memory(log))) => Arc::clone(log) as _,
        ("esdb", Some(Beside::Engine(engine))) => {
            let client = EventStore::connect(&engine.url()).expect("an address");
            start.engine(client, &limits, clock).await
        }
        (_, Some(Beside::Engine(engine))) => {
            let client = Kurrent::connect(&engine.url()).expect("an address");
            start.engine(client, &limits, clock).await
        }
    };
    let copied = CopiedLog::start(source, own, &limits, tracker, (cancel.clone(), beneath.clone())).await;
    copied.expect("copy the log")
}

/// The client of `esdb` sets the process's provider for TLS itself: called before anybody else does.
pub(crate) fn claim_tls() {
    if kind() == "esdb" {
        EventStore::claim_tls().expect("nobody has set a provider for TLS yet");
    }
}

struct Start<'a> {
    tracker: &'a TaskTracker,
    cancel: &'a CancellationToken,
}

impl Start<'_> {
    async fn engine(&self, client: impl Client, limits: &LogLimits, clock: Arc<dyn Clock>) -> Arc<dyn EventLog> {
        let limits = (limits.clone(), EsdbLimits::default());
        let log = EsdbLog::start(client, limits, clock, self.tracker, self.cancel.clone()).await;
        log.expect("reach the double")
    }
}

fn beside(kind: &str, database: &str, limits: &LogLimits, clock: &Arc<dyn Clock>) -> Option<Arc<Beside>> {
    let mut known = BESIDE.lock().expect("nobody panicked");
    let known = known.get_or_insert_default();
    if let Some(beside) = known.get(database) {
        return Some(Arc::clone(beside));
    }
    let made = match kind {
        "" | "postgres" => return None,
        "memory" => Beside::Memory(MemoryLog::with(limits.clone(), Arc::clone(clock))),
        "esdb" | "kurrentdb" => Beside::Engine(EsdbFake::start().expect("a double")),
        other => panic!("BOXOFFICE_TEST_LOG={other}"),
    };
    let made = Arc::new(made);
    known.insert(database.to_owned(), Arc::clone(&made));
    Some(made)
}
