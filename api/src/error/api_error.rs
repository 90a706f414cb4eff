//! Everything that can go wrong in a request.

use std::error::Error as StdError;

use domain::{PayoutError, RoomError, ShopError, TicketError};
use event_log::{ExecuteError, ReadError};
use outbound::webhooks::StoreError;
use processes::{FindPersonError, ReceiveError};
use projections::QueryError;

type Cause = Box<dyn StdError + Send + Sync>;

/// A field of the request that is wrong. The pointer is a JSON pointer into the body, or `/query/<name>`,
/// `/headers/<name>`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FieldError {
    pub pointer: String,
    pub detail: String,
}

impl FieldError {
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            detail: detail.into(),
        }
    }
}

/// Why a ticket or a person is not let in: the `reason` of `entry_refused`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EntryRefusal {
    NotIssued,
    Refunded,
    Revoked,
    Removed,
    Banned,
    /// It was given away.
    Transferred,
}

impl EntryRefusal {
    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::NotIssued => "not_issued",
            Self::Refunded => "refunded",
            Self::Revoked => "revoked",
            Self::Removed => "removed",
            Self::Banned => "banned",
            Self::Transferred => "transferred",
        }
    }
}

#[derive(Debug)]
pub enum ApiError {
    Unauthenticated {
        reason: &'static str,
    },
    Forbidden {
        detail: &'static str,
    },
    NotFound,
    MethodNotAllowed,
    MalformedJson {
        detail: String,
    },
    UnsupportedMediaType,
    BodyTooLarge {
        limit_bytes: usize,
    },
    UnknownField(FieldError),
    InvalidFields(Vec<FieldError>),
    IdempotencyKeyMissing,
    Room(RoomError),
    /// The same of a hold or of a place in line, with the position of the room's last event that this rests on.
    SeatRefused {
        refusal: RoomError,
        position: u64,
    },
    Ticket(TicketError),
    Payout(PayoutError),
    Shop(ShopError),
    EntryRefused(EntryRefusal),
    PaymentDeclined {
        reason: String,
    },
    /// What a store is said to have collected is not believed, or not for this.
    ReceiptRefused {
        reason: &'static str,
    },
    /// The sandbox's intent has ended otherwise.
    IntentSettled {
        state: &'static str,
    },
    Conflict,
    /// Something is still open between the person and others.
    ErasureRefused {
        reason: &'static str,
    },
    /// There are as many subscriptions as one shop may have.
    SubscriptionLimitReached,
    /// One caller asks more than their share.
    TooManyRequests {
        retry_after_seconds: u32,
    },
    Overloaded,
    /// The log or its database cannot be reached, for reading or writing.
    LogUnavailable(Cause),
    ProjectionBehind,
    MediaUnavailable(Cause),
    /// Others are first at the doors.
    DoorsBusy {
        place: usize,
        wait_seconds: u32,
    },
    /// The payment or identity provider is away.
    ProviderUnavailable(Cause),
    Internal(Cause),
}

impl ApiError {
    pub fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::InvalidFields(vec![FieldError::new(pointer, detail)])
    }

    pub(super) fn cause(&self) -> Option<&Cause> {
        match self {
            Self::LogUnavailable(cause)
            | Self::MediaUnavailable(cause)
            | Self::ProviderUnavailable(cause)
            | Self::Internal(cause) => Some(cause),
            _ => None,
        }
    }
}

macro_rules! refusals {
    ($($variant:ident($refusal:ty))+) => {$(
        impl From<$refusal> for ApiError {
            fn from(refusal: $refusal) -> Self {
                Self::$variant(refusal)
            }
        }
    )+};
}

refusals! { Room(RoomError) Ticket(TicketError) Payout(PayoutError) Shop(ShopError) }

impl<E> From<ExecuteError<E>> for ApiError
where
    E: StdError + Into<Self> + Send + Sync + 'static,
{
    fn from(error: ExecuteError<E>) -> Self {
        match error {
            ExecuteError::Refused(refusal) => refusal.into(),
            ExecuteError::Conflict => Self::Conflict,
            ExecuteError::Overloaded => Self::Overloaded,
            ExecuteError::Unavailable(_) => Self::LogUnavailable(Box::new(error)),
            ExecuteError::Corrupt(_) | ExecuteError::Rejected(_) => Self::Internal(Box::new(error)),
        }
    }
}

impl From<ReadError> for ApiError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Unavailable(_) => Self::LogUnavailable(Box::new(error)),
            ReadError::Corrupt { .. } => Self::Internal(Box::new(error)),
        }
    }
}

impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        if is_away(&error) {
            Self::LogUnavailable(Box::new(error))
        } else {
            Self::Internal(Box::new(error))
        }
    }
}

impl From<FindPersonError> for ApiError {
    fn from(error: FindPersonError) -> Self {
        match &error {
            FindPersonError::Overloaded => Self::Overloaded,
            FindPersonError::Database(source) if !is_away(source) => Self::Internal(Box::new(error)),
            FindPersonError::Database(_) | FindPersonError::Lost => Self::LogUnavailable(Box::new(error)),
        }
    }
}

impl From<ReceiveError> for ApiError {
    fn from(error: ReceiveError) -> Self {
        match &error {
            ReceiveError::Overloaded => Self::Overloaded,
            ReceiveError::Database(source) if !is_away(source) => Self::Internal(Box::new(error)),
            ReceiveError::Database(_) | ReceiveError::TimedOut => Self::LogUnavailable(Box::new(error)),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::TooMany => Self::SubscriptionLimitReached,
            StoreError::Database(source) => source.into(),
            StoreError::InconsistentRow { .. } => Self::Internal(Box::new(error)),
        }
    }
}

impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Database(source) => source.into(),
            QueryError::InconsistentRow { .. } => Self::Internal(Box::new(error)),
        }
    }
}

/// Classes of SQLSTATE that are about the server and the way to it, not about what was asked: connection, authorization,
/// no such database, resources, not in the state for it, operator intervention, system. Of one class only the session that
/// was ended because it stood still.
const OUTAGE_CLASSES: [&str; 8] = ["08", "25P03", "28", "3D", "53", "55", "57", "58"];

/// The database cannot be reached, is starting or stopping, or has no connection left: all of it passes.
fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(refusal) => refusal
            .code()
            .is_some_and(|code| OUTAGE_CLASSES.iter().any(|class| code.starts_with(class))),
        _ => false,
    }
}
