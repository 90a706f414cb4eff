//! `boxoffice serve`: everything in one process. Without settings it runs a private database and media server of its own.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use serde_json::json;
use tracing::{info, warn};

use crate::config::{
    AuthOptions, DataOptions, DatabaseOptions, HttpOptions, LimitOptions, LogOptions, MediaOptions, NotaryOptions,
    OutboundOptions, PaymentOptions, RecordingOptions, RulesOptions, VaultOptions, local_url,
};
use crate::database::Database;
use crate::lifecycle::{Lifecycle, Signals};
use crate::managed::data_dir::{DataDir, Lock, write_private};
use crate::managed::livekit::{self, Sfu, SfuOptions};
use crate::output;
use crate::wiring::{self, Listeners, Media};

#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) http: HttpOptions,
    #[command(flatten)]
    pub(crate) limits: LimitOptions,
    #[command(flatten)]
    pub(crate) database: DatabaseOptions,
    #[command(flatten)]
    pub(crate) log: LogOptions,
    #[command(flatten)]
    pub(crate) media: MediaOptions,
    #[command(flatten)]
    pub(crate) recording: RecordingOptions,
    #[command(flatten)]
    pub(crate) payments: PaymentOptions,
    #[command(flatten)]
    pub(crate) outbound: OutboundOptions,
    #[command(flatten)]
    pub(crate) notary: NotaryOptions,
    #[command(flatten)]
    pub(crate) vault: VaultOptions,
    #[command(flatten)]
    pub(crate) auth: AuthOptions,
    #[command(flatten)]
    pub(crate) rules: RulesOptions,
    #[command(flatten)]
    pub(crate) data: DataOptions,
    /// Write where everything is, as JSON, once it is up
    #[arg(long, value_name = "PATH")]
    ready_file: Option<PathBuf>,
}

impl Options {
    fn validate(&self) -> anyhow::Result<()> {
        self.http.validate()?;
        self.media.validate()?;
        self.recording.validate()?;
        self.payments.validate()?;
        self.outbound.validate()?;
        self.notary.validate()?;
        self.vault.validate()?;
        self.auth.validate()?;
        self.rules.load().map(drop)
    }
}

pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    options.validate()?;
    let mut signals = Signals::catch()?;
    let data_dir = options.data.open()?;
    let lock = data_dir.lock()?;
    let listeners = Listeners::bind(&options.http).await?;
    // What was started already ends with this process.
    let (database, sfu) = tokio::select! {
        parts = start_parts(&options, &data_dir, lock, &listeners) => parts?,
        () = signals.next() => bail!("told to stop while starting"),
    };
    let served = serve(&options, &data_dir, listeners, &database, sfu.as_ref(), &mut signals).await;
    if let Some(sfu) = sfu {
        sfu.stop().await;
    }
    database.close().await;
    info!("stopped");
    served
}

async fn start_parts(
    options: &Options,
    data_dir: &DataDir,
    lock: Lock,
    listeners: &Listeners,
) -> anyhow::Result<(Database, Option<Sfu>)> {
    let database = Database::for_server(&options.database, data_dir, lock).await?;
    database.migrate().await?;
    let webhook_url = format!("{}/v1/webhooks/livekit", local_url(listeners.api_address));
    let sfu = start_sfu(options, data_dir, &webhook_url).await?;
    Ok((database, sfu))
}

/// Our own media server, if it is wanted and installed. Tickets are sold without one.
async fn start_sfu(options: &Options, data_dir: &DataDir, webhook_url: &str) -> anyhow::Result<Option<Sfu>> {
    if options.media.is_off() || options.media.external()?.is_some() {
        return Ok(None);
    }
    let Some(binary) = options.media.program() else {
        warn!(
            "livekit-server is not installed: tickets are sold, but doors answer 503. To get it: {}",
            livekit::HOW_TO_GET
        );
        return Ok(None);
    };
    let sfu = SfuOptions {
        binary,
        data_dir,
        webhook_url: Some(webhook_url),
        ports: None,
    };
    match Sfu::start(&sfu).await {
        Ok(sfu) => Ok(Some(sfu)),
        Err(error) => {
            warn!("livekit-server does not start: tickets are sold, but doors answer 503. {error:#}");
            Ok(None)
        }
    }
}

/// The media server to use, ours or another's.
fn media(options: &Options, sfu: Option<&Sfu>) -> anyhow::Result<Option<Media>> {
    if options.media.is_off() {
        return Ok(None);
    }
    let external = options.media.external()?.map(|external| Media {
        address: external.address,
        api_key: external.api_key,
        api_secret: external.api_secret,
    });
    Ok(external.or_else(|| {
        sfu.map(|sfu| Media {
            address: sfu.address(),
            api_key: livekit::API_KEY.to_owned(),
            api_secret: sfu.api_secret(),
        })
    }))
}

async fn serve(
    options: &Options,
    data_dir: &DataDir,
    listeners: Listeners,
    database: &Database,
    sfu: Option<&Sfu>,
    signals: &mut Signals,
) -> anyhow::Result<()> {
    let lifecycle = Lifecycle::default();
    let media = media(options, sfu)?;
    let livekit_url = media.as_ref().map(|media| format!("http://{}", media.address));
    let (api, metrics) = (listeners.api_address, listeners.metrics_address);
    let started = tokio::select! {
        started = wiring::start(options, data_dir, listeners, database, media, &lifecycle) => started,
        () = signals.next() => bail!("told to stop while starting"),
    };
    if let Err(error) = started {
        lifecycle.drain(signals).await;
        return Err(error);
    }
    let base = options.http.public_url(api);
    if let Some(path) = &options.ready_file {
        let ready = json!({
            "http": local_url(api),
            "docs": format!("{}/docs", local_url(api)),
            "metrics": format!("{}/metrics", local_url(metrics)),
            "database_url": database.url,
            "livekit_url": livekit_url,
            "livekit_port": sfu.map(|sfu| sfu.ports().http),
            "data_dir": data_dir.path(),
            "pid": std::process::id(),
        });
        write_whole(path, &ready.to_string()).with_context(|| format!("write {}", path.display()))?;
    }
    let log_key = options.notary.key.resolve(data_dir)?.verifier();
    greet(options, &base, &local_url(metrics), livekit_url.as_deref());
    let place = if options.log.engine.engine()?.is_some() {
        "on an engine, copied into the database"
    } else {
        "in the database"
    };
    output::line(format!("  log            {place}; signed; verifier key {log_key}"));
    lifecycle.run(signals).await
}

fn greet(options: &Options, base: &str, metrics: &str, livekit_url: Option<&str>) {
    output::line(format!("boxoffice is open at {base}"));
    output::line(format!("  documentation  {base}/docs  (OpenAPI: {base}/openapi.json)"));
    output::line(format!("  metrics        {metrics}/metrics"));
    output::line(format!(
        "  media          {}",
        livekit_url.unwrap_or("none: doors answer 503; `boxoffice doctor` says why")
    ));
    output::line(format!(
        "  mail           {}",
        if options.outbound.sends_mail() {
            "sent by SMTP"
        } else {
            "none is sent: SMTP_URL is not set"
        }
    ));
    if options.payments.minutes_ahead() > 0 {
        output::line(format!(
            "  clock          {} minutes ahead: nothing here is real",
            options.payments.minutes_ahead()
        ));
    }
    if options.auth.provider().is_ok_and(|provider| provider.is_none()) {
        output::line("  a token        boxoffice token --user alice --role admin");
    }
}

/// Readers see the file whole or not at all.
fn write_whole(path: &Path, text: &str) -> std::io::Result<()> {
    let draft = path.with_extension("draft");
    write_private(&draft, text)?;
    std::fs::rename(&draft, path)
}
