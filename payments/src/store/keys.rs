//! The keys of the operator's in-app purchase backend, from a JSON Web Key Set.

use std::collections::HashMap;
use std::fmt;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use thiserror::Error;

use super::statement::{AUDIENCE, Claims};
use super::{AppStore, STATEMENT_BYTES_MAX, Statement, StatementError};

#[derive(Debug, Error)]
pub enum KeysError {
    #[error("the key set cannot be read")]
    Unreadable(#[source] serde_json::Error),
    /// Each needs a `kid`; RSA and P-256 keys sign.
    #[error("the key set has no key that can sign a statement")]
    Empty,
}

/// RS256 or ES256, by the key that a statement names. While a key is replaced, both are in the set.
#[derive(Clone)]
pub struct StoreKeys {
    issuer: String,
    keys: HashMap<String, (DecodingKey, Algorithm)>,
}

impl StoreKeys {
    /// Statements of `issuer`, signed by a key of this set.
    pub fn new(issuer: impl Into<String>, jwks: &str) -> Result<Self, KeysError> {
        install_crypto();
        let set: JwkSet = serde_json::from_str(jwks).map_err(KeysError::Unreadable)?;
        let keys: HashMap<_, _> = set.keys.iter().filter_map(named_key).collect();
        if keys.is_empty() {
            return Err(KeysError::Empty);
        }
        let issuer = issuer.into();
        Ok(Self { issuer, keys })
    }
}

/// A process has one provider of algorithms: whoever is first chooses, and they all choose this one.
pub(super) fn install_crypto() {
    let _ = jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER.install_default();
}

/// Shared secrets above all are no keys here.
fn named_key(jwk: &Jwk) -> Option<(String, (DecodingKey, Algorithm))> {
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => Algorithm::ES256,
        _ => return None,
    };
    let kid = jwk.common.key_id.clone()?;
    Some((kid, (DecodingKey::from_jwk(jwk).ok()?, algorithm)))
}

impl fmt::Debug for StoreKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreKeys")
            .field("issuer", &self.issuer)
            .field("keys", &self.keys.len())
            .finish()
    }
}

impl AppStore for StoreKeys {
    fn verify(&self, statement: &str) -> Result<Statement, StatementError> {
        let header = jsonwebtoken::decode_header(statement).map_err(|_| StatementError::BadSignature)?;
        let key = header.kid.and_then(|kid| self.keys.get(&kid));
        // The key decides the algorithm, never the statement.
        let (key, algorithm) = key.ok_or(StatementError::BadSignature)?;
        check(statement, key, *algorithm, &self.issuer)
    }
}

pub(super) fn check(
    statement: &str,
    key: &DecodingKey,
    algorithm: Algorithm,
    issuer: &str,
) -> Result<Statement, StatementError> {
    if statement.len() > STATEMENT_BYTES_MAX {
        return Err(StatementError::BadSignature);
    }
    let mut validation = Validation::new(algorithm);
    validation.set_issuer(&[issuer]);
    validation.set_audience(&[AUDIENCE]);
    validation.set_required_spec_claims(&["iss", "aud"]);
    validation.validate_exp = false;
    let decoded = jsonwebtoken::decode::<Claims>(statement, key, &validation);
    let claims = decoded.map_err(|error| match error.kind() {
        jsonwebtoken::errors::ErrorKind::Json(reason) => StatementError::Unreadable(reason.to_string()),
        _ => StatementError::BadSignature,
    })?;
    claims.claims.try_into()
}
