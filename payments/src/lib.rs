//! The ports to payment providers and to app stores, the built-in sandbox of both, and Stripe.

pub mod provider;
pub mod sandbox;
mod signature;
pub mod store;
pub mod stripe;

pub use provider::*;
pub use store::AppStore;
