//! App stores: what a store says of a purchase it collected, as a signed statement.
//!
//! A statement is a JWS in compact form, made by the operator's in-app purchase backend, which talks with the store; or by the
//! sandbox store, for demos and tests. It names the ticket it is for, so that it pays that one and no other.

mod keys;
mod sandbox;
mod statement;
#[cfg(test)]
mod tests;

use std::fmt;

use thiserror::Error;

pub use keys::{KeysError, StoreKeys};
pub use sandbox::SandboxStore;
pub use statement::{Statement, StatementKind, parse};

/// Where statements go: the name in `/v1/webhooks/{provider}` and of the inbox.
pub const STORE: &str = "store";
/// Longer ones are not looked at.
pub const STATEMENT_BYTES_MAX: usize = 16 * 1024;

/// Why a statement is not believed.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum StatementError {
    /// Not signed by a key that is known here, or not for us.
    #[error("the signature is missing or wrong")]
    BadSignature,
    /// Authentic, and not understood.
    #[error("not understood: {0}")]
    Unreadable(String),
}

/// Whoever checks what a store says.
pub trait AppStore: Send + Sync + fmt::Debug + 'static {
    /// What an authentic statement says. Its age does not matter: a purchase is one for ever, and recorded once.
    fn verify(&self, statement: &str) -> Result<Statement, StatementError>;
}
