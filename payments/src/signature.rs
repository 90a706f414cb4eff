//! The webhook signature: `t=<unix seconds>,v1=<hex HMAC-SHA256 of "t.body">`, as Stripe makes it and the sandbox does.
//!
//! Several secrets may be good at a time, and a signature may hold several claims: while a secret is replaced, both are.

use std::fmt::Write;

use domain::Timestamp;
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::WebhookError;

/// Each claim costs a hash of the body; no honest sender makes more.
const CLAIMS_MAX: usize = 8;

pub(crate) fn sign(secret: &SecretString, body: &[u8], now: Timestamp) -> String {
    let signed_at = now.timestamp().to_string();
    let mac = mac(secret, &signed_at, body).finalize().into_bytes();
    format!("t={signed_at},v1={}", encode_hex(&mac))
}

/// Authentic and at most `tolerance_seconds` away from now, in either direction: a signature from the future would
/// otherwise be good for replays until its time has come.
pub(crate) fn verify(
    secrets: &[SecretString],
    signature: &str,
    body: &[u8],
    now: Timestamp,
    tolerance_seconds: u64,
) -> Result<(), WebhookError> {
    let fields = || signature.split(',').filter_map(|field| field.trim().split_once('='));
    let signed_at = fields()
        .find_map(|(name, value)| (name == "t").then_some(value))
        .ok_or(WebhookError::BadSignature)?;
    let is_authentic = fields()
        .filter_map(|(name, value)| if name == "v1" { decode_hex(value) } else { None })
        .take(CLAIMS_MAX)
        .any(|claimed| {
            let fits = |secret| mac(secret, signed_at, body).verify_slice(&claimed).is_ok();
            secrets.iter().any(fits)
        });
    if !is_authentic {
        return Err(WebhookError::BadSignature);
    }
    let signed_at: i64 = signed_at.parse().map_err(|_| WebhookError::BadSignature)?;
    if now.timestamp().abs_diff(signed_at) > tolerance_seconds {
        return Err(WebhookError::TooOld { tolerance_seconds });
    }
    Ok(())
}

fn mac(secret: &SecretString, signed_at: &str, body: &[u8]) -> Hmac<Sha256> {
    let mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes());
    let mut mac = mac.expect("HMAC takes keys of any length");
    mac.update(signed_at.as_bytes());
    mac.update(b".");
    mac.update(body);
    mac
}

pub(crate) fn encode_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes whatever is written");
        text
    })
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => Some(nibble(*high)? << 4 | nibble(*low)?),
        _ => None,
    });
    digits.collect()
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}
