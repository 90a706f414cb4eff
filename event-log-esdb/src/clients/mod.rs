//! The engine's clients, behind the trait.

mod event_store;
mod fuse;
mod held;
mod kurrent;
mod same;

pub use event_store::EventStore;
pub use kurrent::Kurrent;
pub use same::ConnectError;
