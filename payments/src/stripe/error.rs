//! What may come of a call, sorted by what to do next.

use std::time::Duration;

use domain::Money;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde::Deserialize;
use thiserror::Error;

use crate::ProviderError;

/// A wait longer than this is none we are told in earnest.
const RETRY_AFTER_MAX: Duration = Duration::from_mins(1);

#[derive(Debug, Error)]
pub enum StripeError {
    /// Stripe takes three-decimal currencies in steps of ten. Nothing was sent.
    #[error("{amount} is no amount Stripe takes: in this currency they are multiples of {step}")]
    AmountNotRepresentable { amount: Money, step: i64 },
    #[error("the card was declined: {code}")]
    Declined { code: String },
    /// 3-D Secure: the buyer has to say yes to the bank first.
    #[error("the buyer's bank asks the buyer")]
    RequiresAction,
    /// It cannot succeed as it is asked.
    #[error("Stripe refuses: {code}")]
    Refused { code: String },
    /// Our key is wrong, revoked, or may not do this. An operator's matter: nobody's payment is declined for it.
    #[error("Stripe does not accept our key ({status})")]
    NotAllowed { status: u16 },
    /// Too many calls, or the thing is being changed. Not carried out.
    #[error("Stripe asks for patience")]
    RateLimited { retry_after: Option<Duration> },
    /// The same key is under way in another call.
    #[error("the same call is under way")]
    InUse,
    /// Unknown whether it was carried out. A saved answer is given to every repeat with the same key.
    #[error("Stripe failed ({status})")]
    Server { status: u16, is_saved: bool },
    /// Unknown whether it was carried out.
    #[error("no answer from Stripe")]
    Unanswered(#[source] reqwest::Error),
    #[error("not done within {seconds} s")]
    TimedOut { seconds: u64 },
    #[error("an answer of Stripe is not understood")]
    Unreadable(#[source] serde_json::Error),
    #[error("an answer of Stripe has more than {bytes_max} bytes")]
    TooLarge { bytes_max: usize },
    #[error("an answer of Stripe names an amount that is none here: {amount} {currency}")]
    ForeignAmount { amount: i64, currency: String },
}

impl StripeError {
    pub(super) fn refused(code: &str) -> Self {
        Self::Refused { code: code.to_owned() }
    }

    /// Whether the same call may succeed in a moment.
    pub(super) const fn is_transient(&self) -> bool {
        match self {
            Self::RateLimited { .. } | Self::InUse | Self::Server { is_saved: false, .. } | Self::Unanswered(_) => true,
            Self::AmountNotRepresentable { .. }
            | Self::Declined { .. }
            | Self::RequiresAction
            | Self::Refused { .. }
            | Self::NotAllowed { .. }
            | Self::Server { is_saved: true, .. }
            | Self::TimedOut { .. }
            | Self::Unreadable(_)
            | Self::TooLarge { .. }
            | Self::ForeignAmount { .. } => false,
        }
    }

    /// How it is counted.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::AmountNotRepresentable { .. } => "amount_not_representable",
            Self::Declined { .. } => "declined",
            Self::RequiresAction => "requires_action",
            Self::Refused { .. } => "refused",
            Self::NotAllowed { .. } => "not_allowed",
            Self::RateLimited { .. } => "rate_limited",
            Self::InUse => "in_use",
            Self::Server { .. } => "server",
            Self::Unanswered(_) => "unanswered",
            Self::TimedOut { .. } => "timed_out",
            Self::Unreadable(_) | Self::TooLarge { .. } | Self::ForeignAmount { .. } => "unreadable",
        }
    }
}

impl From<StripeError> for ProviderError {
    fn from(error: StripeError) -> Self {
        match error {
            StripeError::AmountNotRepresentable { .. } => Self::Refused {
                code: "amount_not_representable".to_owned(),
            },
            StripeError::Declined { code } | StripeError::Refused { code } => Self::Refused { code },
            StripeError::RequiresAction => Self::Refused {
                code: "authentication_required".to_owned(),
            },
            StripeError::NotAllowed { .. }
            | StripeError::RateLimited { .. }
            | StripeError::InUse
            | StripeError::Server { .. }
            | StripeError::Unanswered(_)
            | StripeError::TimedOut { .. }
            | StripeError::Unreadable(_)
            | StripeError::TooLarge { .. }
            | StripeError::ForeignAmount { .. } => Self::Unavailable(Box::new(error)),
        }
    }
}

#[derive(Default, Deserialize)]
struct ErrorBody {
    #[serde(default)]
    error: ErrorDetail,
}

#[derive(Default, Deserialize)]
struct ErrorDetail {
    #[serde(rename = "type", default)]
    kind: Option<String>,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    decline_code: Option<String>,
}

/// What an answer that is no success means.
pub(super) fn classify(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> StripeError {
    let ErrorDetail {
        kind,
        code,
        decline_code,
    } = serde_json::from_slice::<ErrorBody>(body).unwrap_or_default().error;
    let kind = kind.as_deref().unwrap_or_default();
    let code_or = |fallback: &str| code.clone().unwrap_or_else(|| fallback.to_owned());
    match status.as_u16() {
        // Our key is good; the account is none of ours.
        403 if code.as_deref() == Some("account_invalid") => StripeError::refused("account_invalid"),
        401 | 403 => StripeError::NotAllowed {
            status: status.as_u16(),
        },
        409 => StripeError::InUse,
        429 => StripeError::RateLimited {
            retry_after: retry_after(headers),
        },
        500.. => StripeError::Server {
            status: status.as_u16(),
            is_saved: is_replay(headers),
        },
        _ if kind == "idempotency_error" => StripeError::refused("idempotency_mismatch"),
        _ if code.as_deref() == Some("authentication_required") => StripeError::RequiresAction,
        402 => StripeError::Declined {
            code: decline_code.unwrap_or_else(|| code_or("card_declined")),
        },
        _ => StripeError::Refused {
            code: code_or(if kind.is_empty() { "invalid_request" } else { kind }),
        },
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

/// Whether Stripe gave the saved answer of an earlier call with the same key.
pub(super) fn is_replay(headers: &HeaderMap) -> bool {
    headers
        .get("idempotent-replayed")
        .is_some_and(|value| value.as_bytes() == b"true")
}

/// Stripe's own word on whether to repeat, where it has one.
pub(super) fn should_retry(headers: &HeaderMap) -> Option<bool> {
    match headers.get("stripe-should-retry")?.as_bytes() {
        b"true" => Some(true),
        b"false" => Some(false),
        _ => None,
    }
}
