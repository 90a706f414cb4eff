//! Why a host's account says no.

use thiserror::Error;

use crate::{Money, MoneyError};

#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum PayoutError {
    #[error("the host is not approved")]
    NotApproved,
    #[error("the host is suspended")]
    Suspended,
    /// A decision that does not follow from where the host stands.
    #[error("the host is {standing}")]
    WrongStanding { standing: &'static str },
    #[error("a host cannot be banned from their own rooms")]
    BansOneself,
    #[error("{limit} people are banned already")]
    BansFull { limit: usize },
    #[error("no payout destination is linked")]
    NoDestination,
    #[error("destination: {reason}")]
    InvalidDestination { reason: &'static str },
    #[error("the idempotency key was used for another request")]
    KeyReused,
    #[error("{requested} is below the minimum payout of {minimum}")]
    BelowMinimum { requested: Money, minimum: Money },
    #[error("{requested} is more than the available {available}")]
    InsufficientBalance { requested: Money, available: Money },
    #[error("no such payout")]
    UnknownPayout,
    #[error("more has come back than the {paid} that were paid")]
    ReturnExceedsPayout { paid: Money },
    /// A payout that was paid cannot fail, and one that failed cannot be paid.
    #[error("the payout has already ended")]
    AlreadyEnded,
    #[error("amount out of range")]
    Money(#[from] MoneyError),
}
