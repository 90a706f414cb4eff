//! Puts the crates together. Nobody else knows them all.

mod figures;
mod listeners;
pub(crate) mod log;
mod notary;
mod provider;
mod recorder;

use std::sync::Arc;

use anyhow::Context;
use api::auth::{Auth, JwksConfig};
use api::limits::Limits;
use api::{ApiParts, Live, ProjectedBooks, ProjectedEntitlements, RolloutGate};
use axum::Router;
use event_log::{Aggregates, Clock, EventLog, LogSettings, Node};
use media_bridge::gate::{self, GateConfig};
use media_bridge::webhook::Receiver;
use media_bridge::{Bridge, BridgeDeps, DeliveryDeps, Entitlements, LiveKit, LiveKitConfig, delivery};
use outbound::mail::Smtp;
use outbound::webhooks::{Webhooks, WebhooksDeps};
use payments::{AppStore, PaymentProvider};
use processes::mail::Mailer;
use processes::{Deps, PayoutSettings, People, ProcessSettings, Processes, reconciliation};
use projections::Projections;
use secrecy::SecretString;
use vault::VaultKey;

use crate::commands::serve::Options;
use crate::config::LogOptions;
use crate::database::{Database, while_it_restarts};
use crate::lifecycle::Lifecycle;
use crate::managed::data_dir::DataDir;

pub(crate) use listeners::Listeners;
use provider::Provider;

/// A media server to use.
#[derive(Clone, Debug)]
pub(crate) struct Media {
    /// `host:port` of its HTTP port, which clients never see.
    pub(crate) address: String,
    pub(crate) api_key: String,
    pub(crate) api_secret: SecretString,
}

/// Starts everything behind the API, then the API. Returns when requests are answered.
pub(crate) async fn start(
    options: &Options,
    data_dir: &DataDir,
    listeners: Listeners,
    database: &Database,
    media: Option<Media>,
    lifecycle: &Lifecycle,
) -> anyhow::Result<()> {
    let rules = options.rules.load()?;
    let handle = figures::install()?;
    let node = Node {
        id: data_dir.node_id()?,
        url: options.http.advertise_url(listeners.api_address),
    };
    let settings = LogSettings {
        limits: options.log.limits(),
        node,
        witness: Some(data_dir.witness()),
        is_copy: options.log.engine.engine()?.is_some(),
        clock: options.payments.clock(),
    };
    let core = Core::start(&options.log, database, settings, lifecycle).await?;
    let provider = Provider::start(options, data_dir, &core, listeners.api_address, lifecycle)?;
    let settings = ProcessSettings {
        payouts: PayoutSettings::of(&rules.preset),
        ..ProcessSettings::default()
    };
    let mail = mailer(options, listeners.api_address)?;
    let vault = options.vault.resolve(data_dir).context("open the vault")?;
    let people = core.people(vault, lifecycle);
    let deps = core.process_deps(people, provider.port(), provider.store(options)?, mail, settings);
    let (back, back_cancel) = (&lifecycle.back, &lifecycle.back_cancel);
    let processes = Processes::start(deps.clone(), back, back_cancel);
    let books = Arc::new(ProjectedBooks {
        pool: core.pool.clone(),
    });
    reconciliation::start(deps, books, reconciliation::INTERVAL, back, back_cancel);
    // Also without a media server: a room that ended must be judged, or its money stays where it is for ever.
    delivery::start(core.delivery_deps(), back, back_cancel);
    let doors = media.map(|media| Doors::start(media, rules.preset.capacity_max, &core, lifecycle));
    let keeping = recorder::start(options, data_dir, &core, doors.as_ref(), lifecycle)?;
    let rollout = RolloutGate::start(&core.aggregates, &lifecycle.back, lifecycle.back_cancel.clone())
        .await
        .context("read the roll-out")?;
    let parts = ApiParts {
        log: core.log.clone(),
        aggregates: core.aggregates.clone(),
        projections: core.projections.clone(),
        pool: database.pool.clone(),
        processes,
        provider: provider.port(),
        sandbox: provider.sandbox(),
        bridge: doors.as_ref().map(|doors| doors.bridge.clone()),
        media_webhooks: doors.as_ref().map(|doors| doors.webhooks.clone()),
        clock: core.clock.clone(),
        auth: auth(options, data_dir)?,
        limits: limits(options, lifecycle),
        live: Live::start(core.log.clone(), &lifecycle.front, lifecycle.front_cancel.clone()),
        webhooks: Webhooks::start(core.webhook_deps(options), &lifecycle.back, &lifecycle.back_cancel),
        doors_per_second: options.media.doors_per_second,
        public_ws_url: options.http.public_ws_url(listeners.api_address),
        preset: rules.preset,
        taxes: rules.taxes,
        host_terms: rules.host_terms,
        rollout,
        notary: notary::start(options, data_dir, &core, lifecycle)?,
        keeping,
    };
    figures::sample(&core, handle.clone(), lifecycle);
    let gate = doors.map_or_else(Router::new, |doors| doors.gate);
    let (api, figures) = (api::router(parts).merge(gate), figures::router(handle));
    listeners.serve(api, figures, &options.limits.server_limits(), lifecycle);
    Ok(())
}

/// The log and what follows it.
pub(crate) struct Core {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) aggregates: Aggregates,
    pub(crate) projections: Projections,
    pub(crate) pool: sqlx::PgPool,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Core {
    async fn start(
        options: &LogOptions,
        database: &Database,
        settings: LogSettings,
        lifecycle: &Lifecycle,
    ) -> anyhow::Result<Self> {
        let clock = Arc::clone(&settings.clock);
        let log = log::open(options, database, settings, lifecycle).await?;
        let start_views = async || {
            let (log, pool) = (Arc::clone(&log), database.pool.clone());
            let started = Projections::start(log, pool, &lifecycle.back, lifecycle.back_cancel.clone()).await;
            started.context("start the read models")
        };
        let projections = while_it_restarts(start_views).await?;
        Ok(Self {
            aggregates: Aggregates::with_tracker(&log, &lifecycle.back),
            log,
            projections,
            pool: database.pool.clone(),
            clock,
        })
    }

    fn delivery_deps(&self) -> DeliveryDeps {
        DeliveryDeps {
            log: Arc::clone(&self.log),
            aggregates: self.aggregates.clone(),
            pool: self.pool.clone(),
            clock: Arc::clone(&self.clock),
        }
    }

    fn webhook_deps(&self, options: &Options) -> WebhooksDeps {
        WebhooksDeps {
            log: Arc::clone(&self.log),
            pool: self.pool.clone(),
            clock: Arc::clone(&self.clock),
            settings: options.outbound.webhook_settings(),
        }
    }

    fn people(&self, vault: VaultKey, lifecycle: &Lifecycle) -> People {
        let (pool, clock) = (self.pool.clone(), Arc::clone(&self.clock));
        People::start(pool, clock, vault, &lifecycle.back, &lifecycle.back_cancel)
    }

    fn process_deps(
        &self,
        people: People,
        provider: Arc<dyn PaymentProvider>,
        store: Option<Arc<dyn AppStore>>,
        mail: Option<Mailer>,
        settings: ProcessSettings,
    ) -> Deps {
        let settings = ProcessSettings {
            sends_mail: mail.is_some(),
            ..settings
        };
        Deps {
            mail: mail.map(Arc::new),
            people,
            log: Arc::clone(&self.log),
            aggregates: self.aggregates.clone(),
            pool: self.pool.clone(),
            provider,
            store,
            clock: Arc::clone(&self.clock),
            settings,
        }
    }
}

/// Everything between buyers and the media server.
struct Doors {
    bridge: Bridge,
    webhooks: Receiver,
    gate: Router,
    livekit: LiveKitConfig,
}

impl Doors {
    fn start(media: Media, listeners_max: u32, core: &Core, lifecycle: &Lifecycle) -> Self {
        let upstream = media.address.clone();
        let config = LiveKitConfig {
            url: format!("http://{}", media.address),
            api_key: media.api_key,
            api_secret: media.api_secret,
        };
        let entitlements: Arc<dyn Entitlements> = Arc::new(ProjectedEntitlements::new(
            core.pool.clone(),
            Arc::clone(&core.log),
            core.projections.clone(),
        ));
        let bridge = Bridge::start(
            BridgeDeps {
                media: Arc::new(LiveKit::new(config.clone())),
                entitlements: Arc::clone(&entitlements),
                log: Arc::clone(&core.log),
                aggregates: core.aggregates.clone(),
                pool: core.pool.clone(),
                clock: Arc::clone(&core.clock),
                listeners_max,
            },
            &lifecycle.back,
            &lifecycle.back_cancel,
        );
        let webhooks = Receiver::new(&config, core.pool.clone(), Arc::clone(&core.clock), bridge.clone());
        let gate = gate::router(GateConfig::new(upstream, config.clone()), entitlements, bridge.clone());
        Self {
            bridge,
            webhooks,
            gate,
            livekit: config,
        }
    }
}

/// The way for letters, if there is a mail server.
fn mailer(options: &Options, api: std::net::SocketAddr) -> anyhow::Result<Option<Mailer>> {
    let Some(settings) = options.outbound.mail_settings()? else {
        return Ok(None);
    };
    let smtp = Smtp::new(&settings).context("use the mail server")?;
    let links = options.outbound.links(&options.http.public_url(api));
    Ok(Some(Mailer { smtp, links }))
}

fn limits(options: &Options, lifecycle: &Lifecycle) -> Limits {
    let limits = Limits::new(options.limits.limits());
    lifecycle.back.spawn(limits.clone().tidy(lifecycle.back_cancel.clone()));
    limits
}

fn auth(options: &Options, data_dir: &DataDir) -> anyhow::Result<Auth> {
    let names = options.auth.claim_names();
    let Some(provider) = options.auth.provider()? else {
        let secret = options.auth.development().resolve(data_dir)?;
        return Ok(Auth::development(&secret).with_claims(names));
    };
    let auth = Auth::jwks(JwksConfig {
        url: provider.jwks_url,
        issuer: provider.issuer,
        audience: provider.audience,
        ids: provider.ids,
    });
    Ok(auth.context("use the identity provider")?.with_claims(names))
}
