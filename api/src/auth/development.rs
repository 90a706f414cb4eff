//! Tokens for development and tests, signed with a shared secret. An installation with real users has an identity
//! provider.

use std::time::Duration;

use domain::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use thiserror::Error;

use super::Role;
use super::claims::Claims;
use super::verifier::install_crypto;

pub(super) const ISSUER: &str = "boxoffice-development";
pub(super) const AUDIENCE: &str = "boxoffice";

#[derive(Debug, Error)]
pub enum MintError {
    #[error("the token's end lies beyond the calendar")]
    TooLong,
    #[error("the token cannot be signed")]
    Sign(#[source] jsonwebtoken::errors::Error),
}

/// What a development token says.
#[derive(Clone, Debug)]
pub struct Minting<'a> {
    pub subject: &'a str,
    pub roles: &'a [Role],
    /// A verified e-mail address.
    pub email: Option<&'a str>,
    pub timezone: Option<&'a str>,
    /// Further claims: what an identity provider would say about the person. Those above stand over them.
    pub others: Map<String, Value>,
    pub ttl: Duration,
}

/// A token for `subject` that [`super::Auth::development`] with the same secret accepts until `now + ttl`.
pub fn mint_development_token(
    secret: &SecretString,
    subject: &str,
    roles: &[Role],
    ttl: Duration,
    now: Timestamp,
) -> Result<String, MintError> {
    let minting = Minting {
        subject,
        roles,
        email: None,
        timezone: None,
        others: Map::new(),
        ttl,
    };
    minting.mint(secret, now)
}

impl Minting<'_> {
    pub fn mint(&self, secret: &SecretString, now: Timestamp) -> Result<String, MintError> {
        install_crypto();
        let ttl_seconds = i64::try_from(self.ttl.as_secs()).map_err(|_| MintError::TooLong)?;
        let mut others = self.others.clone();
        let mut named = |name, value: Option<Value>| {
            let other = others.remove(name);
            value.or(other)
        };
        let claims = Claims {
            iss: ISSUER.to_owned(),
            sub: self.subject.to_owned(),
            aud: AUDIENCE.into(),
            exp: now.timestamp().checked_add(ttl_seconds).ok_or(MintError::TooLong)?,
            nbf: None,
            roles: self.roles.iter().map(|role| role.name().to_owned()).collect(),
            email: named("email", self.email.map(Into::into)),
            email_verified: named("email_verified", self.email.map(|_| true.into())),
            locale: named("locale", None),
            zoneinfo: named("zoneinfo", self.timezone.map(Into::into)),
            others,
        };
        let key = EncodingKey::from_secret(secret.expose_secret().as_bytes());
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).map_err(MintError::Sign)
    }
}
