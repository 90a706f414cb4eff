//! The client's name for one attempt. Ids are derived from it, so the log itself remembers what it was used for.

use axum::extract::FromRequestParts;
use domain::{Fingerprint, UserId};
use http::request::Parts;
use serde::Serialize;
use sha2::{Digest, Sha256};
use uuid::{Uuid, uuid};

use crate::ApiError;

const HEADER: &str = "idempotency-key";
const LENGTH_MIN: usize = 8;
const LENGTH_MAX: usize = 128;
const NAMESPACE: Uuid = uuid!("0b3c2d0e-6a35-5f0c-9a42-1f7a8a1e2c77");

/// 8 to 128 visible ASCII characters.
#[derive(Clone, Debug)]
pub(crate) struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The id of what `user` makes with this key at `path`. The path holds the ids of what it is made of, so the same key
    /// for another room names another ticket.
    pub(crate) fn id(&self, user: UserId, path: &str) -> Uuid {
        Uuid::new_v5(&NAMESPACE, format!("{user}/{path}/{}", self.0).as_bytes())
    }

    pub(crate) fn sha256_hex(&self) -> String {
        hex(&Sha256::digest(self.0.as_bytes()))
    }
}

/// What a request means: its path and its parsed body. Spaces, the order of fields and fields left at their default make
/// no other request.
pub(crate) fn fingerprint(path: &str, body: &impl Serialize) -> Result<Fingerprint, ApiError> {
    let body = serde_json::to_vec(body).map_err(|error| ApiError::Internal(Box::new(error)))?;
    let mut request = path.as_bytes().to_vec();
    request.push(b'\n');
    request.extend_from_slice(&body);
    Ok(Fingerprint::of(&request))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 0xf)]));
    }
    text
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let value = parts.headers.get(HEADER).ok_or(ApiError::IdempotencyKeyMissing)?;
        let bytes = value.as_bytes();
        let is_key = (LENGTH_MIN..=LENGTH_MAX).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic);
        match value.to_str() {
            Ok(key) if is_key => Ok(Self(key.to_owned())),
            _ => Err(ApiError::invalid(
                "/headers/Idempotency-Key",
                format!("must be {LENGTH_MIN} to {LENGTH_MAX} visible ASCII characters"),
            )),
        }
    }
}
