//! Which LiveKit server.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::{Args, ValueEnum};
use secrecy::{ExposeSecret, SecretString};

use crate::managed::livekit_server;

/// LiveKit's own minimum for a secret.
const SECRET_LENGTH_MIN: usize = 32;
/// A full room of 1,000 is in within 20 seconds.
const DOORS_PER_SECOND: u32 = 50;

#[derive(Clone, Debug, Args)]
pub(crate) struct MediaOptions {
    /// The API of a LiveKit server of yours, `http://host:7880`. Without it, an installed `livekit-server` is run
    #[arg(long, env = "LIVEKIT_URL", value_name = "URL")]
    livekit_url: Option<String>,
    /// Its API key
    #[arg(long, env = "LIVEKIT_API_KEY", value_name = "KEY")]
    livekit_api_key: Option<String>,
    /// Its API secret
    #[arg(long, env = "LIVEKIT_API_SECRET", hide_env_values = true, value_name = "SECRET")]
    livekit_api_secret: Option<SecretString>,
    /// Whether there is a media server at all: `off` sells tickets, and doors answer 503
    #[arg(long, env = "BOXOFFICE_LIVEKIT", value_enum, default_value_t = LiveKitMode::Auto, value_name = "MODE")]
    livekit: LiveKitMode,
    /// The `livekit-server` program to run. Without it, it is looked for in `.tools/bin`, beside this program, and in PATH
    #[arg(long, env = "LIVEKIT_SERVER", value_name = "PATH")]
    livekit_server: Option<PathBuf>,
    /// How many people a second the media server takes in, all rooms together; who comes when more do waits in line. 0: as
    /// many as come
    #[arg(long, env = "BOXOFFICE_DOORS_PER_SECOND", default_value_t = DOORS_PER_SECOND, value_name = "COUNT")]
    pub(crate) doors_per_second: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum LiveKitMode {
    Auto,
    Off,
}

/// A server that somebody else runs.
#[derive(Clone, Debug)]
pub(crate) struct ExternalLiveKit {
    /// `host:port`
    pub(crate) address: String,
    pub(crate) api_key: String,
    pub(crate) api_secret: SecretString,
}

impl MediaOptions {
    pub(crate) fn is_off(&self) -> bool {
        self.livekit == LiveKitMode::Off
    }

    /// The program to run, if one is installed.
    pub(crate) fn program(&self) -> Option<PathBuf> {
        self.livekit_server.clone().or_else(livekit_server)
    }

    pub(crate) fn validate(&self) -> anyhow::Result<()> {
        self.external().map(drop)
    }

    /// The server given, if one is.
    pub(crate) fn external(&self) -> anyhow::Result<Option<ExternalLiveKit>> {
        let Some(url) = super::given(self.livekit_url.clone()) else {
            return Ok(None);
        };
        let address = address(&url).with_context(|| {
            format!("LIVEKIT_URL `{url}` must be http://host:port: clients never use it, so it can stay in a private network")
        })?;
        let api_key = super::given(self.livekit_api_key.clone()).context("LIVEKIT_URL needs LIVEKIT_API_KEY")?;
        let api_secret = self
            .livekit_api_secret
            .clone()
            .context("LIVEKIT_URL needs LIVEKIT_API_SECRET")?;
        ensure!(
            api_secret.expose_secret().len() >= SECRET_LENGTH_MIN,
            "LIVEKIT_API_SECRET must have at least {SECRET_LENGTH_MIN} characters"
        );
        Ok(Some(ExternalLiveKit {
            address,
            api_key,
            api_secret,
        }))
    }
}

fn address(url: &str) -> Option<String> {
    let parsed = reqwest::Url::parse(url).ok()?;
    // LiveKit's own tools write ws:// for the same port.
    let is_plain = matches!(parsed.scheme(), "http" | "ws") && matches!(parsed.path(), "" | "/");
    let host = parsed.host_str().filter(|_| is_plain)?;
    Some(format!("{host}:{}", parsed.port_or_known_default()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(url: Option<&str>, key: Option<&str>, secret: Option<&str>) -> MediaOptions {
        MediaOptions {
            livekit_url: url.map(str::to_owned),
            livekit_api_key: key.map(str::to_owned),
            livekit_api_secret: secret.map(SecretString::from),
            livekit: LiveKitMode::Auto,
            livekit_server: None,
            doors_per_second: DOORS_PER_SECOND,
        }
    }

    #[test]
    fn a_url_comes_with_its_key_and_secret() {
        let secret = "s".repeat(SECRET_LENGTH_MIN);
        assert!(options(None, None, None).external().unwrap().is_none());
        assert!(
            options(Some("http://sfu:7880"), None, Some(&secret))
                .validate()
                .is_err()
        );
        assert!(options(Some("http://sfu:7880"), Some("key"), None).validate().is_err());
        assert!(
            options(Some("http://sfu:7880"), Some("key"), Some("short"))
                .validate()
                .is_err()
        );
        assert!(
            options(Some("https://sfu"), Some("key"), Some(&secret))
                .validate()
                .is_err()
        );
        let external = options(Some("ws://sfu:7880/"), Some("key"), Some(&secret))
            .external()
            .unwrap();
        assert_eq!(external.unwrap().address, "sfu:7880");
    }
}
