//! The published keys of an identity provider: fetched when needed, kept, and fetched again when a token names an
//! unknown key.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey};
use thiserror::Error;
use tokio::sync::{Mutex, MutexGuard};

const FETCH_TIMEOUT: Duration = Duration::from_secs(3);
/// Keys older than this are fetched again, so that a withdrawn key stops working.
const KEYS_AGE_MAX: Duration = Duration::from_mins(10);
/// Unknown key ids cause at most one fetch in this time, whoever sends them.
const FETCH_INTERVAL_MIN: Duration = Duration::from_secs(10);
const KEYS_BYTES_MAX: u64 = 256 * 1024;

/// Where tokens come from.
#[derive(Clone, Debug)]
pub struct JwksConfig {
    pub url: String,
    pub issuer: String,
    pub audience: String,
    pub ids: super::SubjectIds,
}

#[derive(Debug, Error)]
pub enum JwksError {
    #[error("no HTTP client for the keys of the identity provider")]
    Client(#[source] reqwest::Error),
    #[error("fetch the keys of the identity provider")]
    Fetch(#[source] reqwest::Error),
    #[error("the key set cannot be read")]
    Parse(#[source] serde_json::Error),
    #[error("the key set is larger than {KEYS_BYTES_MAX} bytes")]
    TooLarge,
    #[error("no keys of the identity provider are known, and the last attempt failed a moment ago")]
    Waiting,
}

/// A public key and the one algorithm it is for.
pub(super) struct VerificationKey {
    pub(super) decoding: DecodingKey,
    pub(super) algorithm: Algorithm,
}

pub(super) struct Jwks {
    url: String,
    client: reqwest::Client,
    known: RwLock<Known>,
    /// When the last fetch began. Held during a fetch: whoever needs unknown keys waits for that one; holders of known
    /// keys wait for nobody.
    last_try: Mutex<Option<Instant>>,
}

#[derive(Default)]
struct Known {
    keys: HashMap<String, Arc<VerificationKey>>,
    fetched_at: Option<Instant>,
}

impl Known {
    fn is_fresh(&self) -> bool {
        self.fetched_at.is_some_and(|at| at.elapsed() < KEYS_AGE_MAX)
    }
}

impl Jwks {
    pub(super) fn new(url: String) -> Result<Self, JwksError> {
        let client = reqwest::Client::builder()
            .timeout(FETCH_TIMEOUT)
            .build()
            .map_err(JwksError::Client)?;
        Ok(Self {
            url,
            client,
            known: RwLock::default(),
            last_try: Mutex::default(),
        })
    }

    /// The key named `kid`; `None` if the provider has none of that name. Keys that cannot be refreshed stay valid: a
    /// provider that is away for a moment locks nobody out.
    pub(super) async fn key(&self, kid: &str) -> Result<Option<Arc<VerificationKey>>, JwksError> {
        let (key, is_fresh) = self.look_up(kid);
        if key.is_some() && is_fresh {
            return Ok(key);
        }
        if key.is_some() {
            if let Ok(last_try) = self.last_try.try_lock() {
                self.refresh(last_try).await.unwrap_or_else(|error| {
                    tracing::warn!(error = %error, "the identity provider's keys cannot be refreshed");
                });
            }
            return Ok(self.look_up(kid).0);
        }
        self.refresh(self.last_try.lock().await).await?;
        Ok(self.look_up(kid).0)
    }

    fn look_up(&self, kid: &str) -> (Option<Arc<VerificationKey>>, bool) {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        (known.keys.get(kid).cloned(), known.is_fresh())
    }

    /// Fetches the keys, unless that was tried a moment ago.
    async fn refresh(&self, mut last_try: MutexGuard<'_, Option<Instant>>) -> Result<(), JwksError> {
        if last_try.is_some_and(|at| at.elapsed() < FETCH_INTERVAL_MIN) {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            return known.fetched_at.map(|_| ()).ok_or(JwksError::Waiting);
        }
        *last_try = Some(Instant::now());
        let keys = self.fetch().await?;
        let fetched_at = Some(Instant::now());
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Known { keys, fetched_at };
        Ok(())
    }

    async fn fetch(&self) -> Result<HashMap<String, Arc<VerificationKey>>, JwksError> {
        let response = self.client.get(&self.url).send().await.map_err(JwksError::Fetch)?;
        let response = response.error_for_status().map_err(JwksError::Fetch)?;
        let set: JwkSet = serde_json::from_slice(&read_limited(response).await?).map_err(JwksError::Parse)?;
        Ok(set.keys.iter().filter_map(named_key).collect())
    }
}

/// Not every answer says its length beforehand.
async fn read_limited(mut response: reqwest::Response) -> Result<Vec<u8>, JwksError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(JwksError::Fetch)? {
        body.extend_from_slice(&chunk);
        if u64::try_from(body.len()).is_ok_and(|bytes| bytes > KEYS_BYTES_MAX) {
            return Err(JwksError::TooLarge);
        }
    }
    Ok(body)
}

/// RSA keys sign RS256, P-256 keys ES256. Keys of other kinds, and shared secrets above all, are no keys here.
fn named_key(jwk: &Jwk) -> Option<(String, Arc<VerificationKey>)> {
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => Algorithm::ES256,
        _ => return None,
    };
    let kid = jwk.common.key_id.clone()?;
    let decoding = DecodingKey::from_jwk(jwk).ok()?;
    Some((kid, Arc::new(VerificationKey { decoding, algorithm })))
}
