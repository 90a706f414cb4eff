//! Why the sandbox's store did not do what was asked, and what the port says of it.

use std::sync::Arc;

use gather::GatherError;
use thiserror::Error;

use crate::ProviderError;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Refusal {
    IdempotencyMismatch,
    InvalidAmount,
    InvalidCursor,
    InvalidDestination,
    UnknownPayment,
    NotCaptured,
    CurrencyMismatch,
    RefundExceedsCaptured,
}

impl Refusal {
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::IdempotencyMismatch => "idempotency_mismatch",
            Self::InvalidAmount => "invalid_amount",
            Self::InvalidCursor => "invalid_cursor",
            Self::InvalidDestination => "invalid_destination",
            Self::UnknownPayment => "unknown_payment",
            Self::NotCaptured => "not_captured",
            Self::CurrencyMismatch => "currency_mismatch",
            Self::RefundExceedsCaptured => "refund_exceeds_captured",
        }
    }
}

#[derive(Debug, Error)]
pub(super) enum StoreError {
    #[error("refused: {}", .0.code())]
    Refused(Refusal),
    #[error("query the sandbox's database")]
    Database(#[from] sqlx::Error),
    #[error("inconsistent {column} in {table} row {id}")]
    InconsistentRow {
        table: &'static str,
        column: &'static str,
        id: String,
    },
    #[error("no answer from the sandbox's database in {seconds} s")]
    TimedOut { seconds: u64 },
    /// What was written together fails together, unless the calls can be told apart.
    #[error("write a batch of calls")]
    Batch(#[source] Arc<StoreError>),
    #[error("queue for the sandbox's database")]
    Gather(#[from] GatherError),
}

impl StoreError {
    /// Whether the fault may lie with what was written, not with the database.
    pub(super) fn may_be_of_one_call(&self) -> bool {
        match self {
            Self::Database(error) => error.as_database_error().is_some(),
            Self::InconsistentRow { .. } => true,
            Self::Refused(_) | Self::TimedOut { .. } | Self::Batch(_) | Self::Gather(_) => false,
        }
    }
}

impl From<Refusal> for StoreError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<StoreError> for ProviderError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Refused(refusal) => Self::Refused {
                code: refusal.code().to_owned(),
            },
            StoreError::Database(_)
            | StoreError::InconsistentRow { .. }
            | StoreError::TimedOut { .. }
            | StoreError::Batch(_)
            | StoreError::Gather(_) => Self::Unavailable(Box::new(error)),
        }
    }
}
