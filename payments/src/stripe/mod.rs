//! Stripe as a payment provider: payment intents with our own timer, refunds, disputes, Connect accounts and transfers.
//!
//! - A thin client of our own (`docs/adr/0008-stripe-by-hand.md`): a dozen calls, one pinned API version.
//! - Every POST that makes something carries an idempotency key made of our ids, so that a call whose answer was lost finds
//!   what it made. Stripe forgets keys after a day: refunds and transfers are looked up before they are made.
//! - A key gives the *first* answer again, however old. A repeated creation is followed by a look at the thing itself.
//! - Every attempt and every call has a time limit; the number of calls at a time is limited; 429 makes all calls wait.
//! - Events are read tolerantly, whatever API version wrote them; those of connected accounts are their owners' and
//!   nothing we act on.
//! - Secrets are in [`secrecy`] types, and Stripe's messages, which may quote what people typed, are not kept.

mod accounts;
mod client;
mod config;
mod error;
mod events;
mod intents;
mod money;
mod notice;
mod provider;
mod refunds;
mod statement;
mod transfers;
mod wire;

#[cfg(test)]
mod tests;

pub use config::{API_BASE, API_VERSION, StripeConfig, StripeConfigError};
pub use error::StripeError;
pub use provider::{Stripe, WEBHOOK_TOLERANCE};
