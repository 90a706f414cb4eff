//! `boxoffice rehearse`: what a media server carries, tried out with real audio before anybody has paid for it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::Args;
use media_bridge::LiveKitConfig;

use crate::config::MediaOptions;
use crate::lifecycle::Signals;
use crate::managed::data_dir::DataDir;
use crate::managed::livekit::{self, Sfu, SfuOptions};
use crate::output;
use crate::rehearsal::{Figures, Plan, Rehearsal, text};

/// More than one machine plays: rehearse from several.
const LISTENERS_MAX: u16 = 500;
const SPEAKERS_MAX: u16 = 10;
const MINUTES_MAX: u16 = 180;
/// A new listener every so often, unless they are to come within another time.
const ONE_COMES_EVERY: Duration = Duration::from_millis(300);

#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// How many listen
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=i64::from(LISTENERS_MAX)))]
    listeners: u16,
    /// How many speak, a tone each
    #[arg(long, default_value_t = 1, value_name = "NUMBER",
        value_parser = clap::value_parser!(u16).range(1..=i64::from(SPEAKERS_MAX)))]
    speakers: u16,
    /// How long it goes on when everybody is in
    #[arg(long, default_value_t = 1, value_name = "NUMBER",
        value_parser = clap::value_parser!(u16).range(0..=i64::from(MINUTES_MAX)))]
    minutes: u16,
    /// And so many seconds
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    seconds: u16,
    /// The listeners come within so many seconds; without it about three come in a second
    #[arg(long, value_name = "SECONDS")]
    come_within: Option<u16>,
    /// Where clients reach the media server's signalling, if that is elsewhere: `ws://host:port`
    #[arg(long, value_name = "URL")]
    client_url: Option<String>,
    #[command(flatten)]
    media: MediaOptions,
    /// The Python that has the `livekit` package, for the audio clients
    #[arg(
        long,
        env = "BOXOFFICE_PYTHON",
        default_value = ".tools/venv/bin/python",
        value_name = "PATH"
    )]
    python: PathBuf,
    /// Write the figures here, as JSON
    #[arg(long, value_name = "PATH")]
    json: Option<PathBuf>,
}

/// Fails when a live room would: somebody stayed outside, heard too little, or was told too late.
pub(crate) async fn run(options: Options) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::catch()?;
    let scratch = tempfile::Builder::new()
        .prefix("boxoffice-rehearsal-")
        .tempdir()
        .context("make a scratch directory")?;
    let data_dir = DataDir::open(scratch.path())?;
    let (config, own) = media_server(&options, &data_dir).await?;
    let played = rehearse(plan(&options, config), &mut signals).await;
    if let Some(own) = own {
        own.stop().await;
    }
    let figures = played?;
    output::line(text(&figures).trim_end());
    if let Some(path) = &options.json {
        let json = serde_json::to_string_pretty(&figures).context("write the figures")?;
        std::fs::write(path, json).with_context(|| format!("write {}", path.display()))?;
    }
    let complaints = figures.complaints();
    for complaint in &complaints {
        output::remark(complaint);
    }
    Ok(if complaints.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The room is deleted however it went.
async fn rehearse(plan: Plan, signals: &mut Signals) -> anyhow::Result<Figures> {
    let rehearsal = Rehearsal::open(plan).await?;
    let played = tokio::select! {
        played = rehearsal.play() => played.map_err(Into::into),
        () = signals.next() => Err(anyhow::anyhow!("told to stop")),
    };
    let closed = rehearsal.close().await;
    let figures = played?;
    closed?;
    Ok(figures)
}

/// The one given, or one of our own.
async fn media_server(options: &Options, data_dir: &DataDir) -> anyhow::Result<(LiveKitConfig, Option<Sfu>)> {
    ensure!(!options.media.is_off(), "a rehearsal needs a media server");
    if let Some(external) = options.media.external()? {
        let config = LiveKitConfig {
            url: format!("http://{}", external.address),
            api_key: external.api_key,
            api_secret: external.api_secret,
        };
        return Ok((config, None));
    }
    let Some(binary) = options.media.program() else {
        bail!("there is no media server to rehearse with: {}", livekit::HOW_TO_GET);
    };
    let sfu = Sfu::start(&SfuOptions {
        binary,
        data_dir,
        webhook_url: None,
        ports: None,
    })
    .await?;
    let config = LiveKitConfig {
        url: format!("http://{}", sfu.address()),
        api_key: livekit::API_KEY.to_owned(),
        api_secret: sfu.api_secret(),
    };
    Ok((config, Some(sfu)))
}

fn plan(options: &Options, config: LiveKitConfig) -> Plan {
    let come_within = match options.come_within {
        Some(seconds) => Duration::from_secs(seconds.into()),
        None => ONE_COMES_EVERY * options.listeners.into(),
    };
    let signalling = || config.url.replacen("http://", "ws://", 1);
    Plan {
        client_url: options.client_url.clone().unwrap_or_else(signalling),
        config,
        listeners: options.listeners.into(),
        speakers: options.speakers.into(),
        lasts: Duration::from_mins(options.minutes.into()) + Duration::from_secs(options.seconds.into()),
        come_within,
        python: options.python.clone(),
    }
}
