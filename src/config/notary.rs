//! Who signs checkpoints of the log, and where they go.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Args;
use event_log::Clock;
use notary::{BucketSettings, Destination, NotaryLimits, NotarySettings, SigningKey, Witness};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

use crate::managed::data_dir::DataDir;

/// The folder for checkpoints in the data folder.
const DIRECTORY: &str = "checkpoints";

#[derive(Clone, Debug, Args)]
pub(crate) struct NotaryOptions {
    #[command(flatten)]
    pub(crate) key: NotaryKeyOptions,
    /// Folder for checkpoints, best one that whoever administers the database cannot write to. Default: `checkpoints` in the
    /// data folder
    #[arg(long, env = "BOXOFFICE_NOTARY_DIRECTORY", value_name = "PATH")]
    notary_directory: Option<PathBuf>,
    /// S3-compatible bucket for checkpoints, `https://s3.eu-central-1.amazonaws.com/bucket/folder`
    #[arg(long, env = "BOXOFFICE_NOTARY_BUCKET", value_name = "URL")]
    notary_bucket: Option<String>,
    /// The bucket's region
    #[arg(
        long,
        env = "BOXOFFICE_NOTARY_BUCKET_REGION",
        default_value = "us-east-1",
        value_name = "REGION"
    )]
    notary_bucket_region: String,
    /// Who writes to the bucket
    #[arg(long, env = "AWS_ACCESS_KEY_ID", hide_env_values = true, value_name = "ID")]
    notary_bucket_key_id: Option<String>,
    /// Their secret
    #[arg(long, env = "AWS_SECRET_ACCESS_KEY", hide_env_values = true, value_name = "SECRET")]
    notary_bucket_secret: Option<SecretString>,
    /// System that is sent checkpoints: signed notes, by POST
    #[arg(long, env = "BOXOFFICE_NOTARY_WEBHOOK", value_name = "URL")]
    notary_webhook: Option<String>,
    /// Witness that cosigns checkpoints, `<verifier key> <url>`; may be repeated
    #[arg(
        long = "notary-witness",
        env = "BOXOFFICE_NOTARY_WITNESSES",
        value_delimiter = ',',
        value_name = "WITNESS"
    )]
    notary_witnesses: Vec<Witness>,
    /// How often checkpoints leave for the bucket, the webhook and witnesses
    #[arg(long, env = "BOXOFFICE_NOTARY_PUBLISH_SECONDS", default_value_t = 10, value_name = "SECONDS",
        value_parser = clap::value_parser!(u64).range(1..=3600))]
    notary_publish_seconds: u64,
}

/// The key alone, as commands need it.
#[derive(Clone, Debug, Args)]
pub(crate) struct NotaryKeyOptions {
    /// The key that signs checkpoints, `PRIVATE+KEY+…`; the same on every node. Default: `notary.key` in the data folder, made
    /// on first use
    #[arg(long, env = "BOXOFFICE_NOTARY_KEY", hide_env_values = true, value_name = "KEY")]
    notary_key: Option<SecretString>,
    /// The same from a file, which nobody sees in a list of processes
    #[arg(
        long,
        env = "BOXOFFICE_NOTARY_KEY_FILE",
        value_name = "PATH",
        conflicts_with = "notary_key"
    )]
    notary_key_file: Option<PathBuf>,
}

impl NotaryKeyOptions {
    /// The key that was configured, if one was.
    pub(crate) fn configured(&self) -> anyhow::Result<Option<SigningKey>> {
        let given = self.notary_key.as_ref().map(|key| key.expose_secret().to_owned());
        let text = match (&self.notary_key_file, given) {
            (Some(path), _) => Some(std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?),
            (None, given) => given,
        };
        let Some(text) = super::given(text) else {
            return Ok(None);
        };
        text.parse().map(Some).context("use the notary's key")
    }

    pub(crate) fn resolve(&self, data_dir: &DataDir) -> anyhow::Result<SigningKey> {
        match self.configured()? {
            Some(key) => Ok(key),
            None => data_dir.notary_key(),
        }
    }

    /// The same, if there is one: none is made.
    pub(crate) fn known(&self, data_dir: &DataDir) -> anyhow::Result<Option<SigningKey>> {
        match self.configured()? {
            Some(key) => Ok(Some(key)),
            None => data_dir.known_notary_key(),
        }
    }
}

impl NotaryOptions {
    pub(crate) fn validate(&self) -> anyhow::Result<()> {
        self.key.configured()?;
        self.webhook()?;
        ensure!(
            self.bucket_url()?.is_none() || (self.bucket_key_id().is_some() && self.notary_bucket_secret.is_some()),
            "BOXOFFICE_NOTARY_BUCKET needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        );
        Ok(())
    }

    /// Whether a checkpoint goes anywhere that the data folder is not.
    pub(crate) fn leaves_the_data_folder(&self) -> bool {
        let is_bucket = super::given(self.notary_bucket.as_deref()).is_some();
        let is_webhook = super::given(self.notary_webhook.as_deref()).is_some();
        self.notary_directory.is_some() || is_bucket || is_webhook || !self.notary_witnesses.is_empty()
    }

    pub(crate) fn settings(&self, data_dir: &DataDir, clock: &Arc<dyn Clock>) -> anyhow::Result<NotarySettings> {
        let directory = self.notary_directory.clone();
        let mut destinations = vec![Destination::Directory(
            directory.unwrap_or_else(|| data_dir.file(DIRECTORY)),
        )];
        destinations.extend(self.bucket(clock)?.map(Destination::Bucket));
        destinations.extend(self.webhook()?.map(Destination::Webhook));
        Ok(NotarySettings {
            key: self.key.resolve(data_dir)?,
            memory: data_dir.notary_memory(),
            destinations,
            witnesses: self.notary_witnesses.clone(),
            limits: NotaryLimits {
                publish: Duration::from_secs(self.notary_publish_seconds),
                ..NotaryLimits::default()
            },
        })
    }

    fn bucket(&self, clock: &Arc<dyn Clock>) -> anyhow::Result<Option<BucketSettings>> {
        let (Some(url), Some(id), Some(secret)) =
            (self.bucket_url()?, self.bucket_key_id(), &self.notary_bucket_secret)
        else {
            return Ok(None);
        };
        Ok(Some(BucketSettings {
            url,
            region: self.notary_bucket_region.clone(),
            access_key_id: id.to_owned(),
            secret_access_key: secret.clone(),
            clock: Arc::clone(clock),
        }))
    }

    fn bucket_url(&self) -> anyhow::Result<Option<Url>> {
        url(self.notary_bucket.as_deref(), "BOXOFFICE_NOTARY_BUCKET")
    }

    fn bucket_key_id(&self) -> Option<&str> {
        super::given(self.notary_bucket_key_id.as_deref())
    }

    fn webhook(&self) -> anyhow::Result<Option<Url>> {
        url(self.notary_webhook.as_deref(), "BOXOFFICE_NOTARY_WEBHOOK")
    }
}

fn url(text: Option<&str>, setting: &str) -> anyhow::Result<Option<Url>> {
    let Some(text) = super::given(text) else {
        return Ok(None);
    };
    let url = Url::parse(text).with_context(|| format!("read {setting}"))?;
    ensure!(
        matches!(url.scheme(), "http" | "https") && url.has_host(),
        "{setting} must be http(s)://host[:port][/path]"
    );
    Ok(Some(url))
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use event_log::SystemClock;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        notary: NotaryOptions,
    }

    fn parse(arguments: &[&str]) -> NotaryOptions {
        let line = ["test"].iter().chain(arguments);
        Line::try_parse_from(line).unwrap().notary
    }

    fn settings(options: &NotaryOptions, data_dir: &DataDir) -> NotarySettings {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        options.settings(data_dir, &clock).unwrap()
    }

    #[test]
    fn without_settings_it_signs_with_a_key_of_its_own_into_the_data_folder() {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = DataDir::open(folder.path()).unwrap();
        let first = settings(&parse(&[]), &data_dir);
        let again = settings(&parse(&[]), &data_dir);
        assert_eq!(first.key.verifier(), again.key.verifier());
        let [Destination::Directory(path)] = &first.destinations[..] else {
            panic!("{:?}", first.destinations);
        };
        assert!(path.starts_with(data_dir.path()));
        let mode =
            std::os::unix::fs::PermissionsExt::mode(&data_dir.file("notary.key").metadata().unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_key_may_come_from_a_file_and_is_not_printed() {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = DataDir::open(folder.path()).unwrap();
        let key = SigningKey::random("shop.example/log".parse().unwrap());
        let file = folder.path().join("key");
        std::fs::write(&file, format!("{}\n", key.reveal())).unwrap();
        let options = parse(&["--notary-key-file", file.to_str().unwrap()]);
        assert_eq!(settings(&options, &data_dir).key.verifier(), key.verifier());
        let given = parse(&["--notary-key", &key.reveal()]);
        let secret = key.reveal();
        let secret = secret.rsplit('+').next().unwrap();
        assert!(!format!("{given:?}").contains(secret));
        assert!(!format!("{:?}", settings(&given, &data_dir)).contains(secret));
        assert!(parse(&["--notary-key", "hunter2"]).validate().is_err());
    }

    #[test]
    fn places_are_checked_before_anything_starts() {
        let bucket = ["--notary-bucket", "https://s3.example.org/bucket/log"];
        assert!(parse(&bucket).validate().is_err());
        let access = ["--notary-bucket-key-id", "AKIA", "--notary-bucket-secret", "hunter2"];
        let whole = parse(&[&bucket[..], &access].concat());
        whole.validate().unwrap();
        assert!(!format!("{whole:?}").contains("hunter2"));
        assert!(parse(&["--notary-webhook", "ftp://example.org"]).validate().is_err());
        let witness = SigningKey::witness("witness.example/w1".parse().unwrap(), &[1; 32]).verifier();
        let witness = format!("{witness} https://witness.example/");
        assert_eq!(parse(&["--notary-witness", &witness]).notary_witnesses.len(), 1);
        assert!(Line::try_parse_from(["test", "--notary-witness", "https://witness.example/"]).is_err());
    }
}
