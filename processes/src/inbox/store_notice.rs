//! What an app store tells, by way of the operator's backend: a purchase, or that its money went back.

use event_log::{ExecuteError, Metadata};
use payments::store::{StatementKind, parse};
use uuid::Uuid;

use super::ApplyError;
use crate::Deps;
use crate::checkout::{self, PurchaseError};

/// Records what a stored statement says. What is about an unknown purchase may only be early: it is read again, and put aside
/// after a while.
pub(super) async fn apply(deps: &Deps, process: &'static str, body: &[u8]) -> Result<(), ApplyError> {
    let statement = parse(body).map_err(|error| ApplyError::Contradiction(error.to_string()))?;
    // The same statement has the same correlation, by whichever way it came.
    let correlation = Uuid::new_v5(&Uuid::NAMESPACE_OID, body);
    let metadata = Metadata::for_actor(process, correlation);
    let recorded = match statement.kind {
        StatementKind::Purchased { .. } => checkout::record_purchase(deps, statement, metadata).await.map(drop),
        StatementKind::Refunded => checkout::record_store_refund(deps, statement, metadata).await,
    };
    recorded.map_err(|error| {
        let reason = error.to_string();
        match error {
            PurchaseError::Unknown { .. } => ApplyError::Unknown(reason),
            PurchaseError::Ticket(
                ExecuteError::Conflict | ExecuteError::Overloaded | ExecuteError::Unavailable(_),
            ) => ApplyError::Outage(reason),
            PurchaseError::OtherTicket
            | PurchaseError::OtherChannel
            | PurchaseError::NoPurchase
            | PurchaseError::Ticket(
                ExecuteError::Refused(_) | ExecuteError::Corrupt(_) | ExecuteError::Rejected(_),
            ) => ApplyError::Contradiction(reason),
        }
    })
}
