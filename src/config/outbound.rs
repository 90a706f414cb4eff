//! What leaves the shop: webhooks to its own systems, e-mail to people.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::Args;
use outbound::mail::{MailSettings, Smtp};
use outbound::webhooks::WebhookSettings;
use secrecy::{ExposeSecret, SecretString};

#[derive(Clone, Debug, Args)]
pub(crate) struct OutboundOptions {
    /// Let webhooks go to this machine and to private networks, and without TLS. Otherwise such a receiver is refused: whoever
    /// is an admin could have the server ask what only it can reach
    #[arg(long, env = "BOXOFFICE_WEBHOOKS_ALLOW_PRIVATE")]
    webhooks_allow_private: bool,
    #[command(flatten)]
    mail: MailOptions,
}

/// The mail server, as `serve` and `doctor` need it.
#[derive(Clone, Debug, Args)]
pub(crate) struct MailOptions {
    /// The mail server, `smtps://user:password@host` or `smtp://host:587?tls=required`. Without one nothing is sent
    #[arg(long, env = "SMTP_URL", hide_env_values = true, value_name = "URL")]
    smtp_url: Option<SecretString>,
    /// The same from a file, which nobody sees in a list of processes
    #[arg(long, env = "SMTP_URL_FILE", value_name = "PATH", conflicts_with = "smtp_url")]
    smtp_url_file: Option<PathBuf>,
    /// Whose mails these are, `Night Talks <tickets@example.org>`
    #[arg(long, env = "MAIL_FROM", value_name = "MAILBOX")]
    mail_from: Option<String>,
    /// Where links in mails lead: the shop's own pages, which have `/tickets/{id}`. By default the API itself
    #[arg(long, env = "BOXOFFICE_SHOP_URL", value_name = "URL")]
    shop_url: Option<String>,
}

impl OutboundOptions {
    pub(crate) fn validate(&self) -> anyhow::Result<()> {
        self.mail.validate()
    }

    pub(crate) fn webhook_settings(&self) -> WebhookSettings {
        WebhookSettings {
            allow_private: self.webhooks_allow_private,
            ..WebhookSettings::default()
        }
    }

    pub(crate) fn mail_settings(&self) -> anyhow::Result<Option<MailSettings>> {
        self.mail.settings()
    }

    pub(crate) fn sends_mail(&self) -> bool {
        self.mail.settings().is_ok_and(|settings| settings.is_some())
    }

    /// The base of links in mails.
    pub(crate) fn links(&self, public_url: &str) -> String {
        let own = super::given(self.mail.shop_url.as_deref());
        own.map_or_else(
            || format!("{public_url}/v1"),
            |url| url.trim_end_matches('/').to_owned(),
        )
    }
}

impl MailOptions {
    pub(crate) fn validate(&self) -> anyhow::Result<()> {
        if let Some(settings) = self.settings()? {
            Smtp::check(&settings).context("use the mail server")?;
        }
        if let Some(url) = super::given(self.shop_url.as_deref()) {
            let parsed = reqwest::Url::parse(url).with_context(|| format!("read the shop's URL `{url}`"))?;
            ensure!(
                matches!(parsed.scheme(), "http" | "https") && parsed.query().is_none() && parsed.fragment().is_none(),
                "the shop's URL `{url}` must be http(s)://host[:port][/path]"
            );
        }
        Ok(())
    }

    /// How to send, if it is wanted.
    pub(crate) fn settings(&self) -> anyhow::Result<Option<MailSettings>> {
        let Some(url) = self.url()? else {
            return Ok(None);
        };
        let from = super::given(self.mail_from.clone()).context("a mail server needs MAIL_FROM")?;
        Ok(Some(MailSettings { url, from }))
    }

    fn url(&self) -> anyhow::Result<Option<SecretString>> {
        let given = self.smtp_url.as_ref().map(|url| url.expose_secret().to_owned());
        let text = match (&self.smtp_url_file, given) {
            (Some(path), _) => Some(std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?),
            (None, given) => given,
        };
        Ok(super::given(text).map(|text| SecretString::from(text.trim())))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        outbound: OutboundOptions,
    }

    fn parse(arguments: &[&str]) -> OutboundOptions {
        let line = ["test"].iter().chain(arguments);
        Line::try_parse_from(line).unwrap().outbound
    }

    #[test]
    fn without_a_server_nothing_is_sent() {
        let options = parse(&[]);
        assert!(options.validate().is_ok() && !options.sends_mail());
        assert!(!options.webhook_settings().allow_private);
    }

    #[test]
    fn a_server_needs_a_sender_and_its_password_is_not_printed() {
        let url = ["--smtp-url", "smtps://shop:hunter2@mail.example.org"];
        assert!(parse(&url).validate().is_err());
        let options = parse(&[&url[..], &["--mail-from", "Talks <tickets@example.org>"]].concat());
        assert!(options.validate().is_ok() && options.sends_mail());
        assert!(!format!("{options:?}").contains("hunter2"));
        let wrong = parse(&[
            "--smtp-url",
            "https://shop:hunter2@mail",
            "--mail-from",
            "a@example.org",
        ]);
        let error = wrong.validate().unwrap_err();
        assert!(!format!("{error:?}").contains("hunter2"));
    }

    #[test]
    fn the_url_may_be_in_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "smtp://127.0.0.1:25\n").unwrap();
        let path = file.path().to_str().unwrap();
        let options = parse(&["--smtp-url-file", path, "--mail-from", "a@example.org"]);
        assert_eq!(
            options.mail_settings().unwrap().unwrap().url.expose_secret(),
            "smtp://127.0.0.1:25"
        );
    }

    #[test]
    fn links_lead_to_the_shop_or_to_the_api() {
        assert_eq!(
            parse(&[]).links("https://api.example.org"),
            "https://api.example.org/v1"
        );
        let own = parse(&["--shop-url", "https://talks.example.org/"]);
        assert_eq!(own.links("https://api.example.org"), "https://talks.example.org");
        assert!(parse(&["--shop-url", "talks"]).validate().is_err());
    }
}
