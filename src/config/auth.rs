//! Whose bearer tokens we believe.

use anyhow::{Context, ensure};
use api::auth::{ClaimNames, SubjectIds};
use clap::Args;
use secrecy::{ExposeSecret, SecretString};

use super::claims::ClaimOptions;
use crate::managed::data_dir::DataDir;

const SECRET_LENGTH_MIN: usize = 32;

#[derive(Clone, Debug, Args)]
pub(crate) struct AuthOptions {
    /// Key set of your identity provider, `https://id.example.org/jwks.json`. Without it, development tokens are believed
    #[arg(long, env = "OIDC_JWKS_URL", value_name = "URL")]
    oidc_jwks_url: Option<String>,
    /// Its `iss`
    #[arg(long, env = "OIDC_ISSUER", value_name = "URL")]
    oidc_issuer: Option<String>,
    /// The `aud` its tokens for us carry
    #[arg(long, env = "OIDC_AUDIENCE", value_name = "NAME")]
    oidc_audience: Option<String>,
    /// Give people ids of our own even where the provider's subjects are UUIDs, so that nobody finds a person on the log by the
    /// provider's id
    #[arg(long, env = "OIDC_OPAQUE_IDS")]
    oidc_opaque_ids: bool,
    #[command(flatten)]
    claims: ClaimOptions,
    #[command(flatten)]
    development: DevelopmentSecret,
}

/// The secret of development tokens, shared by `serve` and `token`.
#[derive(Clone, Debug, Args)]
pub(crate) struct DevelopmentSecret {
    /// Signs development tokens. Without it, one is made and kept in the data folder
    #[arg(long, env = "BOXOFFICE_AUTH_SECRET", hide_env_values = true, value_name = "SECRET")]
    auth_secret: Option<SecretString>,
}

/// An identity provider.
#[derive(Clone, Debug)]
pub(crate) struct Provider {
    pub(crate) jwks_url: String,
    pub(crate) issuer: String,
    pub(crate) audience: String,
    pub(crate) ids: SubjectIds,
}

impl AuthOptions {
    pub(crate) fn validate(&self) -> anyhow::Result<()> {
        self.development.validate()?;
        self.provider().map(drop)
    }

    /// The identity provider given, if one is.
    pub(crate) fn provider(&self) -> anyhow::Result<Option<Provider>> {
        let Some(jwks_url) = super::given(self.oidc_jwks_url.clone()) else {
            return Ok(None);
        };
        reqwest::Url::parse(&jwks_url).with_context(|| format!("read OIDC_JWKS_URL `{jwks_url}`"))?;
        Ok(Some(Provider {
            jwks_url,
            issuer: super::given(self.oidc_issuer.clone()).context("OIDC_JWKS_URL needs OIDC_ISSUER")?,
            audience: super::given(self.oidc_audience.clone()).context("OIDC_JWKS_URL needs OIDC_AUDIENCE")?,
            ids: if self.oidc_opaque_ids {
                SubjectIds::OurOwn
            } else {
                SubjectIds::AsTheyAre
            },
        }))
    }

    pub(crate) fn claim_names(&self) -> ClaimNames {
        self.claims.names()
    }

    pub(crate) const fn development(&self) -> &DevelopmentSecret {
        &self.development
    }
}

impl DevelopmentSecret {
    fn validate(&self) -> anyhow::Result<()> {
        let secret = self.auth_secret.as_ref().map(ExposeSecret::expose_secret);
        ensure!(
            super::given(secret).is_none_or(|secret| secret.len() >= SECRET_LENGTH_MIN),
            "BOXOFFICE_AUTH_SECRET must have at least {SECRET_LENGTH_MIN} characters"
        );
        Ok(())
    }

    /// The secret given, or this installation's own.
    pub(crate) fn resolve(&self, data_dir: &DataDir) -> anyhow::Result<SecretString> {
        self.validate()?;
        let secret = self.auth_secret.as_ref().map(ExposeSecret::expose_secret);
        match super::given(secret) {
            Some(secret) => Ok(SecretString::from(secret)),
            None => data_dir.secret("auth.secret"),
        }
    }
}
