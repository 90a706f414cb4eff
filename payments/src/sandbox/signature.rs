//! The webhook signature: `t=<unix seconds>,v1=<hex HMAC-SHA256 of "t.body">`.

use std::fmt::Write;

use domain::Timestamp;
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::WebhookError;

pub(super) fn sign(secret: &SecretString, body: &[u8], now: Timestamp) -> String {
    let signed_at = now.timestamp().to_string();
    let mac = mac(secret, &signed_at, body).finalize().into_bytes();
    format!("t={signed_at},v1={}", encode_hex(&mac))
}

/// Authentic and at most `tolerance_seconds` away from now, in either direction: a signature from the future would
/// otherwise be good for replays until its time has come.
pub(super) fn verify(
    secret: &SecretString,
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
        .any(|claimed| mac(secret, signed_at, body).verify_slice(&claimed).is_ok());
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

pub(super) fn encode_hex(bytes: &[u8]) -> String {
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
