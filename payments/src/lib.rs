//! The port to payment providers, the built-in sandbox, and Stripe.

pub mod provider;
pub mod sandbox;
mod signature;
pub mod stripe;

pub use provider::*;
