//! What the API stands on: the log, the views, the processes, the bridge, the ways out.

use std::sync::Arc;
use std::time::Duration;

use api::{ProjectedBooks, ProjectedEntitlements};
use domain::{BasisPoints, Preset};
use event_log::{Aggregates, Clock, EventLog};
use media_bridge::fake::FakeMediaServer;
use media_bridge::{Bridge, BridgeDeps};
use outbound::webhooks::{WebhookSettings, Webhooks, WebhooksDeps};
use payments::PaymentProvider;
use payments::sandbox::{Sandbox, SandboxConfig};
use processes::{Deps, People, ProcessSettings};
use projections::Projections;
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Shop;

const POOL_CONNECTIONS: u32 = 12;
const POOL_WAIT: Duration = Duration::from_secs(2);
/// The same at every start, as that of a data folder is.
const VAULT_KEY: &str = "VAULT+KEY+c6b1ccf274ef0842+97Z9jFovp2MLuM50dpQnMuJ9hnWTUgBE36FliL2tRqI=";

/// What everything is made of.
#[derive(Clone)]
pub(super) struct Core {
    pub(super) log: Arc<dyn EventLog>,
    pub(super) aggregates: Aggregates,
    pub(super) projections: Projections,
    pub(super) pool: PgPool,
    pub(super) clock: Arc<dyn Clock>,
}

impl Core {
    pub(super) async fn start(
        options: PgConnectOptions,
        shop: &Shop,
        tracker: &TaskTracker,
        cancel: &CancellationToken,
    ) -> Self {
        let pool = pool(options.clone()).await;
        let log = super::log::open(options, pool.clone(), shop.log_settings(), (tracker, cancel)).await;
        let projections = Projections::start(Arc::clone(&log), pool.clone(), tracker, cancel.clone()).await;
        Self {
            aggregates: Aggregates::new(&log),
            log,
            projections: projections.expect("start the views"),
            pool,
            clock: Arc::new(shop.clock.clone()),
        }
    }

    pub(super) fn bridge(
        &self,
        media: Arc<FakeMediaServer>,
        preset: &Preset,
        tracker: &TaskTracker,
        cancel: &CancellationToken,
    ) -> Bridge {
        let (pool, log, projections) = (self.pool.clone(), Arc::clone(&self.log), self.projections.clone());
        let deps = BridgeDeps {
            media,
            entitlements: Arc::new(ProjectedEntitlements::new(pool, log, projections)),
            log: Arc::clone(&self.log),
            aggregates: self.aggregates.clone(),
            pool: self.pool.clone(),
            clock: Arc::clone(&self.clock),
            listeners_max: preset.capacity_max,
        };
        Bridge::start(deps, tracker, cancel)
    }

    /// Without mail.
    pub(super) fn process_deps(
        &self,
        provider: &Arc<dyn PaymentProvider>,
        sandbox: &Sandbox,
        (tracker, cancel): (&TaskTracker, &CancellationToken),
    ) -> Deps {
        Deps {
            mail: None,
            people: People::start(
                self.pool.clone(),
                Arc::clone(&self.clock),
                VAULT_KEY.parse().expect("a key"),
                tracker,
                cancel,
            ),
            log: Arc::clone(&self.log),
            aggregates: self.aggregates.clone(),
            pool: self.pool.clone(),
            provider: Arc::clone(provider),
            store: Some(Arc::new(sandbox.store())),
            clock: Arc::clone(&self.clock),
            settings: ProcessSettings::default(),
        }
    }

    pub(super) fn webhooks(
        &self,
        settings: WebhookSettings,
        tracker: &TaskTracker,
        cancel: &CancellationToken,
    ) -> Webhooks {
        let deps = WebhooksDeps {
            log: Arc::clone(&self.log),
            pool: self.pool.clone(),
            clock: Arc::clone(&self.clock),
            settings,
        };
        Webhooks::start(deps, tracker, cancel)
    }
}

pub(super) fn books(pool: &PgPool) -> Arc<ProjectedBooks> {
    Arc::new(ProjectedBooks { pool: pool.clone() })
}

async fn pool(options: PgConnectOptions) -> PgPool {
    PgPoolOptions::new()
        .max_connections(POOL_CONNECTIONS)
        .acquire_timeout(POOL_WAIT)
        .connect_with(options)
        .await
        .expect("connect to the test's database")
}

pub(super) fn sandbox(pool: &PgPool, clock: &Arc<dyn Clock>, is_free: bool) -> Sandbox {
    let clock = Arc::clone(clock);
    let mut config = SandboxConfig::new("the sandbox's secret".into(), Arc::new(move || clock.now()));
    if is_free {
        (config.fee_bp, config.fee_fixed_minor) = (BasisPoints::ZERO, 0);
    }
    Sandbox::new(pool.clone(), config)
}
