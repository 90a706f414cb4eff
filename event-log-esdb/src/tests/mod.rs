//! The log on a double of the engine: what every log promises, and what is this engine's alone.

mod cluster;
mod contract;
mod outages;
// The list and the rules that the other logs are held against.
#[path = "../../../event-log/src/tests/rules.rs"]
mod rules;
mod subscriptions;
mod supervision;
mod support;
mod tls;
