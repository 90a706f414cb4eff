//! Whole purchases: hold, payment, capture at the sandbox, webhook, seat, ticket and ledger, with every view following.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use domain::{PaymentId, RoomCommand, TicketId};
use event_log::{Clock as _, SystemClock};
use payments::PaymentProvider as _;
use payments::sandbox::{Confirmation, Sandbox, SandboxConfig};
use processes::{BeginPayment, Begun, Deps, People, ProcessSettings, Processes};
use projections::{Projections, View};
use secrecy::SecretString;
use sqlx::{Connection, Executor, Row as _};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;
use vault::VaultKey;

use super::{Bench, Outcome, lag, on_workers};
use crate::harness::{Goal, NEVER_MS, Rounds, Row, figure};
use crate::load::{Answer, Course, Office, Run, drive, fingerprint, hold, metadata, room_id};
use crate::world::{Database, Kind};

/// Buyers who are somewhere between the hold and the ticket at a time.
const BUYERS: usize = 2_000;
const ROOMS: u64 = 1_000;
const WARM_UP: Duration = Duration::from_secs(2);
/// How long the views may take to be at the end when the last ticket is issued.
const CATCH_UP_LIMIT: Duration = Duration::from_secs(30);
/// How long a purchase may take.
const PURCHASE_LIMIT: Duration = Duration::from_mins(1);
/// The views that show every purchase.
pub(super) const SALE_VIEWS: [View; 4] = [View::Catalogue, View::Tickets, View::Ledger, View::Entitlements];
/// How often the log is looked at for tickets that were issued.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// By how much the books do not add up, over all currencies.
const UNBALANCED: &str = "SELECT coalesce(sum(abs(off)), 0)::bigint
    FROM (SELECT sum(amount_minor) AS off FROM view_ledger.lines GROUP BY currency) AS sums";
/// As many as `serve` has.
const POOL: u32 = 24;

pub(super) async fn purchases(bench: &Bench) -> Result<Outcome> {
    let database = bench.cluster.fresh(Kind::Boxoffice).await?;
    let course = Course {
        clients: BUYERS,
        warm_up: WARM_UP,
        measured: bench.pick(Duration::from_secs(12), Duration::from_secs(30)),
        operations_max: u64::MAX,
    };
    let sale = on_workers(2, {
        let database = database.clone();
        async move || sell(&database, course).await
    });
    let watch = lag::watch(&database, &SALE_VIEWS, WARM_UP + course.measured);
    let (sale, lags) = tokio::try_join!(sale, watch)?;
    let count = |event: &str| format!("SELECT count(*) FROM events WHERE event_type = '{event}'");
    let issued = database.number(&count("ticket_issued")).await?;
    let captured = database.number(&count("payment_captured")).await?;
    ensure!(
        issued == captured && u64::try_from(issued) == Ok(sale.run.operations),
        "{} purchases answered, {captured} captured, {issued} issued",
        sale.run.operations
    );
    let unbalanced = database.number(UNBALANCED).await?;
    ensure!(unbalanced == 0, "the ledger is off by {unbalanced}");
    bench.cluster.discard(database).await?;
    let rate = sale.run.sample();
    let p99 = lags.percentile_ms(99).unwrap_or(NEVER_MS);
    let row = Row::new(
        &format!("whole purchases, sustained for {} s", course.measured.as_secs()),
        "purchases/s",
        &Rounds::single(rate),
        &[Goal::AtLeast(5_000.0)],
    )
    .note(format!(
        "In process, {BUYERS} buyers in a closed loop over {ROOMS} rooms, everything else as in the server: sandbox, signed \
         webhooks over HTTP, inbox, jobs, all views. Captured = issued = {issued} by SQL, the ledger adds up to zero. Views: \
         lag p50 {} ms, p99 {} ms while selling, at the end {} ms after the last ticket. A purchase is 7 events.",
        figure(lags.percentile_ms(50).unwrap_or(NEVER_MS)),
        figure(p99),
        sale.views_late.as_millis()
    ));
    Ok(vec![row].into())
}

struct Sale {
    run: Run,
    /// How long after the last ticket every view showed it.
    views_late: Duration,
}

/// The shop without its HTTP.
struct Counter {
    office: Office,
    sandbox: Arc<Sandbox>,
    processes: Processes,
    views: Projections,
    issued: Issued,
    tracker: TaskTracker,
    cancel: CancellationToken,
}

async fn sell(database: &Database, course: Course) -> Result<Sale> {
    let counter = Arc::new(Counter::open(database).await?);
    let run = drive(course, {
        let counter = Arc::clone(&counter);
        move |number| {
            let counter = Arc::clone(&counter);
            async move { counter.purchase(number).await }
        }
    })
    .await?;
    let ended = Instant::now();
    let head = counter.office.log.head().await?.position;
    ensure!(
        counter.views.wait_all(head, CATCH_UP_LIMIT).await,
        "the views do not keep up"
    );
    let views_late = ended.elapsed();
    let counter = Arc::into_inner(counter).context("a buyer is still there")?;
    counter.close().await;
    Ok(Sale { run, views_late })
}

impl Counter {
    async fn open(database: &Database) -> Result<Self> {
        let (tracker, cancel) = (TaskTracker::new(), CancellationToken::new());
        let office = Office::open_with_pool(database, POOL).await?;
        office.schedule(ROOMS, u32::MAX, 1_000).await?;
        let views = Projections::start(office.log.clone(), office.pool.clone(), &tracker, cancel.clone()).await?;
        let secret = SecretString::from("the benchmark's own webhook secret, of no use to anybody");
        let config = SandboxConfig::new(secret, Arc::new(|| SystemClock.now()));
        let sandbox = Arc::new(Sandbox::new(office.pool.clone(), config));
        let deps = Deps {
            log: office.log.clone(),
            aggregates: office.aggregates.clone(),
            pool: office.pool.clone(),
            provider: sandbox.clone(),
            store: None,
            clock: Arc::new(SystemClock),
            people: People::new(office.pool.clone(), Arc::new(SystemClock), VaultKey::random()),
            mail: None,
            settings: ProcessSettings::default(),
        };
        let processes = Processes::start(deps, &tracker, &cancel);
        sandbox.set_webhook_url(listen(&processes, &sandbox, &tracker, &cancel).await?);
        tracker.spawn({
            let (sandbox, cancel) = (Arc::clone(&sandbox), cancel.clone());
            async move { sandbox.run(cancel).await }
        });
        let issued = Issued::default();
        tracker.spawn(issued.clone().watch(database.clone(), cancel.clone()));
        Ok(Self {
            office,
            sandbox,
            processes,
            views,
            issued,
            tracker,
            cancel,
        })
    }

    async fn close(self) {
        self.cancel.cancel();
        self.tracker.close();
        self.tracker.wait().await;
        self.office.close().await;
    }

    /// One buyer, from the wish to the ticket.
    async fn purchase(&self, number: u64) -> Result<Answer> {
        let wish = hold(number, fingerprint());
        let (ticket_id, buyer, room_id) = (wish.ticket_id, wish.buyer, room_id(number % ROOMS));
        let issued = self.issued.expect(ticket_id);
        let rooms = &self.office.aggregates.rooms;
        rooms
            .execute(room_id.as_uuid(), RoomCommand::HoldSeat(wish), metadata(number))
            .await?;
        let begun = self.processes.begin_payment(BeginPayment {
            room_id,
            ticket_id,
            buyer,
            payment_id: PaymentId::from_uuid(Uuid::new_v5(&ticket_id.as_uuid(), b"payment")),
            request: fingerprint(),
            at: SystemClock.now(),
            metadata: metadata(number),
        });
        let Begun::Intent {
            provider_ref,
            client_secret,
            ..
        } = begun.await?
        else {
            bail!("a priced seat was free");
        };
        self.sandbox
            .confirm(&provider_ref, &client_secret, Confirmation::ok())
            .await?;
        let is_issued = tokio::time::timeout(PURCHASE_LIMIT, issued).await;
        is_issued.context("a paid ticket was not issued in time")??;
        Ok(Answer::Done)
    }
}

/// Where the sandbox's webhooks arrive.
async fn listen(
    processes: &Processes,
    sandbox: &Arc<Sandbox>,
    tracker: &TaskTracker,
    cancel: &CancellationToken,
) -> Result<String> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .context("listen for webhooks")?;
    let url = format!("http://{}/", listener.local_addr()?);
    let router = Router::new()
        .route("/", post(receive))
        .with_state((processes.clone(), Arc::clone(sandbox)));
    let server = axum::serve(listener, router).with_graceful_shutdown(cancel.clone().cancelled_owned());
    tracker.spawn(async move {
        let _ = server.await;
    });
    Ok(url)
}

/// As the API does it: verified, durable, answered.
async fn receive(
    State((processes, sandbox)): State<(Processes, Arc<Sandbox>)>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let signature = headers
        .get(sandbox.signature_header())
        .and_then(|value| value.to_str().ok());
    let verified = sandbox.verify_webhook(signature.unwrap_or_default(), &body, SystemClock.now());
    if verified.is_err() {
        return StatusCode::UNAUTHORIZED;
    }
    match processes.receive_webhook(&body).await {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// Who waits for which ticket.
#[derive(Clone, Default)]
struct Issued {
    waiting: Arc<Mutex<HashMap<String, oneshot::Sender<()>>>>,
}

impl Issued {
    fn expect(&self, ticket: TicketId) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.insert(ticket.to_string(), sender);
        receiver
    }

    /// Reads the log for tickets that were issued, and tells their buyers.
    async fn watch(self, database: Database, cancel: CancellationToken) {
        let _ended = cancel.clone().drop_guard();
        let Ok(mut connection) = database.connect().await else {
            return;
        };
        let mut position: i64 = 0;
        while !cancel.is_cancelled() {
            let query = format!(
                "SELECT position, CASE event_type WHEN 'ticket_issued' THEN aggregate_id END
                 FROM events WHERE position > {position} ORDER BY position LIMIT 10000"
            );
            let Ok(rows) = connection.fetch_all(&*query).await else {
                return;
            };
            for row in &rows {
                position = row.try_get(0).unwrap_or(position);
                let Ok(Some(ticket)) = row.try_get::<Option<String>, _>(1) else {
                    continue;
                };
                let buyer = self
                    .waiting
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .remove(&ticket);
                if let Some(buyer) = buyer {
                    let _ = buyer.send(());
                }
            }
            if rows.is_empty() {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
        let _ = connection.close().await;
    }
}
