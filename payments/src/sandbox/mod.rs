//! The built-in payment provider: deterministic, in PostgreSQL tables of its own, reached like a foreign company.
//!
//! - Every call is idempotent by its id; a repeat with other parameters is refused (`idempotency_mismatch`).
//! - Nothing that matters is in memory: a new [`Sandbox`] over the same database continues where the old one stopped.
//! - Calls that come together are written together (group commit), and each is answered when it is durable.
//! - State, event and webhook deliveries of one fact are written in one transaction.
//! - The event list is complete and in commit order: a reader that pages by cursor misses nothing.
//! - A webhook is sent at least once, or given up after a limit; its event stays in the list either way.

mod config;
mod confirm;
mod create;
mod desk;
mod disputes;
mod error;
mod provider;
mod returns;
mod store;
mod webhooks;
mod worker;

#[cfg(test)]
mod tests;

pub use config::{Now, SandboxConfig};
pub use confirm::{Card, ConfirmError, Confirmation, Delivery};
pub use disputes::{CloseDisputeError, OpenDisputeError};
pub use provider::{SCRIPT_MAX, Sandbox, ScriptFull, WEBHOOK_TOLERANCE};
pub use returns::ReturnTransferError;
