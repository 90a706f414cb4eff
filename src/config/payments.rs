//! Which payment provider.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, ensure};
use chrono::TimeDelta;
use clap::{Args, ValueEnum};
use event_log::{Clock, ClockAhead, SystemClock};
use payments::store::StoreKeys;
use payments::stripe::{API_BASE, StripeConfig};
use secrecy::{ExposeSecret, SecretString};

use payments::sandbox::Now;

/// A year: tokens and leases live no longer.
const AHEAD_MINUTES_MAX: i64 = 366 * 24 * 60;

#[derive(Clone, Debug, Args)]
pub(crate) struct PaymentOptions {
    /// Who takes the buyers' money: the built-in sandbox, in which it is play money, or Stripe
    #[arg(long, env = "BOXOFFICE_PROVIDER", value_enum, default_value_t = ProviderName::Sandbox, value_name = "NAME")]
    provider: ProviderName,
    /// Stripe's secret key, `sk_…`, or a restricted one, `rk_…`
    #[arg(long, env = "STRIPE_SECRET_KEY", hide_env_values = true, value_name = "KEY")]
    stripe_secret_key: Option<SecretString>,
    /// Signing secret of Stripe's webhook endpoint, `whsec_…`; may be repeated, and two are good while one is replaced
    #[arg(
        long = "stripe-webhook-secret",
        env = "STRIPE_WEBHOOK_SECRETS",
        hide_env_values = true,
        value_delimiter = ',',
        value_name = "SECRET"
    )]
    stripe_webhook_secrets: Vec<SecretString>,
    /// Where Stripe's API is; another address is for tests
    #[arg(long, env = "STRIPE_API_BASE", default_value = API_BASE, value_name = "URL")]
    stripe_api_base: String,
    /// Key set (JWKS) of the in-app purchase backend that signs what app stores collected; without one nothing is sold
    /// through them, but in the sandbox
    #[arg(long, env = "BOXOFFICE_STORE_KEYS", value_name = "FILE", requires = "store_issuer")]
    store_keys: Option<PathBuf>,
    /// The `iss` of its statements
    #[arg(long, env = "BOXOFFICE_STORE_ISSUER", value_name = "ISSUER")]
    store_issuer: Option<String>,
    /// Put the shop's clock ahead, to see what the next day or month brings: with the sandbox alone
    #[arg(long, env = "BOXOFFICE_SANDBOX_AHEAD_MINUTES", default_value_t = 0, value_name = "MINUTES",
        value_parser = clap::value_parser!(u32).range(..=AHEAD_MINUTES_MAX))]
    sandbox_ahead_minutes: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum ProviderName {
    Sandbox,
    Stripe,
}

impl PaymentOptions {
    pub(crate) fn validate(&self) -> anyhow::Result<()> {
        let epoch: Now = Arc::new(|| domain::Timestamp::UNIX_EPOCH);
        self.stripe(epoch).map(drop)?;
        ensure!(
            self.provider == ProviderName::Sandbox || self.sandbox_ahead_minutes == 0,
            "the clock of a shop that takes real money cannot be put ahead"
        );
        self.store().map(drop)
    }

    /// What time it is in the shop.
    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        match self.minutes_ahead() {
            0 => Arc::new(SystemClock),
            minutes => Arc::new(ClockAhead(TimeDelta::minutes(minutes))),
        }
    }

    pub(crate) fn minutes_ahead(&self) -> i64 {
        self.sandbox_ahead_minutes.into()
    }

    /// Who signs for app stores, if anybody does.
    pub(crate) fn store(&self) -> anyhow::Result<Option<StoreKeys>> {
        let (Some(file), Some(issuer)) = (&self.store_keys, &self.store_issuer) else {
            return Ok(None);
        };
        let jwks = std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
        let keys = StoreKeys::new(issuer, &jwks).with_context(|| format!("use the keys in {}", file.display()))?;
        Ok(Some(keys))
    }

    /// How to reach Stripe, if it is the provider.
    pub(crate) fn stripe(&self, now: Now) -> anyhow::Result<Option<StripeConfig>> {
        if self.provider == ProviderName::Sandbox {
            return Ok(None);
        }
        let key = self.stripe_secret_key.as_ref().map(ExposeSecret::expose_secret);
        let key = super::given(key).context("provider stripe needs STRIPE_SECRET_KEY")?;
        let secrets = self.stripe_webhook_secrets.iter().filter_map(|secret| {
            let secret = secret.expose_secret().trim();
            (!secret.is_empty()).then(|| SecretString::from(secret))
        });
        let config = StripeConfig {
            webhook_secrets: secrets.collect(),
            api_base: self.stripe_api_base.trim_end_matches('/').to_owned(),
            ..StripeConfig::new(SecretString::from(key), now)
        };
        config.validate().context("use Stripe")?;
        ensure!(
            !config.webhook_secrets.is_empty(),
            "provider stripe needs STRIPE_WEBHOOK_SECRETS: without one every webhook is refused"
        );
        Ok(Some(config))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        payments: PaymentOptions,
    }

    fn parse(arguments: &[&str]) -> PaymentOptions {
        let line = ["test"].iter().chain(arguments);
        Line::try_parse_from(line).unwrap().payments
    }

    fn stripe(options: &PaymentOptions) -> anyhow::Result<Option<StripeConfig>> {
        options.stripe(Arc::new(|| domain::Timestamp::UNIX_EPOCH))
    }

    #[test]
    fn the_sandbox_needs_nothing() {
        assert!(stripe(&parse(&["--provider", "sandbox"])).unwrap().is_none());
    }

    #[test]
    fn stripe_needs_a_key_and_a_webhook_secret() {
        let key = ["--provider", "stripe", "--stripe-secret-key", "sk_test_1"];
        assert!(parse(&key[..2]).validate().is_err());
        assert!(parse(&key).validate().is_err());
        let whole = [&key[..], &["--stripe-webhook-secret", "whsec_1,whsec_2"]].concat();
        let config = stripe(&parse(&whole)).unwrap().unwrap();
        assert_eq!(config.webhook_secrets.len(), 2);
        assert_eq!(config.api_base, API_BASE);
        let publishable = [&whole[..], &["--stripe-api-base", "http://stripe.example.org"]].concat();
        assert!(
            parse(&publishable).validate().is_err(),
            "a key in clear over the network"
        );
    }

    #[test]
    fn only_play_money_has_a_clock_that_is_put_ahead() {
        let ahead = ["--sandbox-ahead-minutes", "1440"];
        let options = parse(&ahead);
        options.validate().unwrap();
        let gap = options.clock().now() - SystemClock.now();
        assert!(
            gap > TimeDelta::minutes(1439) && gap <= TimeDelta::minutes(1440),
            "{gap}"
        );
        let real = ["--provider", "stripe", "--stripe-secret-key", "sk_test_1"];
        let real = [&real[..], &["--stripe-webhook-secret", "whsec_1"]].concat();
        parse(&real).validate().unwrap();
        assert!(parse(&[&real[..], &ahead].concat()).validate().is_err());
    }

    #[test]
    fn no_secret_is_printed() {
        let options = parse(&["--provider", "stripe", "--stripe-secret-key", "sk_test_1"]);
        assert!(!format!("{options:?}").contains("sk_test_1"));
    }
}
