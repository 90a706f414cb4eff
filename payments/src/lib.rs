//! The port to payment providers, and the built-in sandbox.

pub mod provider;
pub mod sandbox;

pub use provider::*;
