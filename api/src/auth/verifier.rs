//! Checks a bearer token: signature, algorithm, issuer, audience and time.

use std::sync::Arc;
use std::time::Instant;

use domain::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use processes::people::{ClaimedContact, Subject};
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

use super::checked::CheckedTokens;
use super::claims::{Bearer, Claims, Roles};
use super::development::{AUDIENCE, ISSUER};
use super::facts::{ClaimNames, ClaimedFacts};
use super::jwks::{Jwks, JwksConfig, JwksError};

/// Tokens of more bytes than this are not looked at.
const TOKEN_BYTES_MAX: usize = 16 * 1024;

/// Who a token speaks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    pub subject: Subject,
    pub roles: Roles,
    /// What the token says of how they are reached; only when the token is seen for the first time in a while.
    pub contact: Option<Arc<ClaimedContact>>,
    /// What the token says about the person as a host; most say nothing.
    pub claimed: Option<Arc<ClaimedFacts>>,
}

/// Which ids subjects that are UUIDs have on the log.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum SubjectIds {
    /// The subject itself: the provider's systems and ours speak of the same id.
    #[default]
    AsTheyAre,
    /// Ones of our own, so that nobody finds a person on the log by the provider's id.
    OurOwn,
}

#[derive(Debug, Error)]
pub enum AuthError {
    #[error("the token is not one of ours")]
    Invalid,
    #[error("the token has expired")]
    Expired,
    #[error("the identity provider's keys cannot be read")]
    KeysUnavailable(#[source] JwksError),
}

/// How bearer tokens are checked. Cheap to clone.
#[derive(Clone)]
pub struct Auth {
    keys: Keys,
    validation: Arc<Validation>,
    claims: Arc<ClaimNames>,
    checked: Arc<CheckedTokens>,
    ids: SubjectIds,
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Auth").field("keys", &self.keys).finish_non_exhaustive()
    }
}

#[derive(Clone)]
enum Keys {
    Development(Arc<DecodingKey>),
    Jwks(Arc<Jwks>),
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Development(_) => "Development",
            Self::Jwks(_) => "Jwks",
        })
    }
}

/// jsonwebtoken needs a provider for the whole process, and another crate may install one that knows no RS256. Whoever
/// is first wins; a second attempt is no error.
pub(super) fn install_crypto() {
    let _ = jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER.install_default();
}

impl Auth {
    /// HS256 with a shared secret: what [`super::mint_development_token`] signs.
    pub fn development(secret: &SecretString) -> Self {
        install_crypto();
        let key = DecodingKey::from_secret(secret.expose_secret().as_bytes());
        Self {
            keys: Keys::Development(Arc::new(key)),
            validation: Arc::new(validation(Algorithm::HS256, ISSUER, AUDIENCE)),
            claims: Arc::default(),
            checked: Arc::default(),
            ids: SubjectIds::AsTheyAre,
        }
    }

    /// RS256 or ES256 with the published keys of an identity provider.
    pub fn jwks(config: JwksConfig) -> Result<Self, JwksError> {
        install_crypto();
        let ids = config.ids;
        let validation = validation(Algorithm::RS256, &config.issuer, &config.audience);
        Ok(Self {
            keys: Keys::Jwks(Arc::new(Jwks::new(config.url)?)),
            validation: Arc::new(validation),
            claims: Arc::default(),
            checked: Arc::default(),
            ids,
        })
    }

    /// The same, reading facts from other claims than the usual ones.
    #[must_use]
    pub fn with_claims(self, names: ClaimNames) -> Self {
        Self {
            claims: Arc::new(names),
            ..self
        }
    }

    /// Whom `token` speaks for at `now`.
    pub async fn verify(&self, token: &str, now: Timestamp) -> Result<Identity, AuthError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(AuthError::Invalid);
        }
        let asked_at = Instant::now();
        if let Some(bearer) = self.checked.find(token, asked_at) {
            return judge(&bearer, now);
        }
        let bearer = self
            .read(token)
            .await?
            .bearer(self.ids, &self.claims)
            .ok_or(AuthError::Invalid)?;
        let mut kept = bearer.clone();
        kept.identity.contact = None;
        self.checked.keep(token, Arc::new(kept), asked_at);
        judge(&bearer, now)
    }

    /// What the token says, if its signature is good.
    async fn read(&self, token: &str) -> Result<Claims, AuthError> {
        match &self.keys {
            Keys::Development(key) => decode(token, key, &self.validation),
            Keys::Jwks(jwks) => {
                let header = jsonwebtoken::decode_header(token).map_err(|_| AuthError::Invalid)?;
                let kid = header.kid.as_deref().ok_or(AuthError::Invalid)?;
                let key = jwks.key(kid).await.map_err(AuthError::KeysUnavailable)?;
                let key = key.ok_or(AuthError::Invalid)?;
                let mut validation = Validation::clone(&self.validation);
                // The key decides the algorithm, never the token.
                validation.algorithms = vec![key.algorithm];
                decode(token, &key.decoding, &validation)
            }
        }
    }
}

fn validation(algorithm: Algorithm, issuer: &str, audience: &str) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.set_issuer(&[issuer]);
    validation.set_audience(&[audience]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    // Time is judged by our clock, in `judge`.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation
}

fn decode(token: &str, key: &DecodingKey, validation: &Validation) -> Result<Claims, AuthError> {
    jsonwebtoken::decode(token, key, validation)
        .map(|data| data.claims)
        .map_err(|_| AuthError::Invalid)
}

fn judge(bearer: &Bearer, now: Timestamp) -> Result<Identity, AuthError> {
    if bearer.is_expired(now) {
        return Err(AuthError::Expired);
    }
    if bearer.is_early(now) {
        return Err(AuthError::Invalid);
    }
    Ok(bearer.identity.clone())
}
