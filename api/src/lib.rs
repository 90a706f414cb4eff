//! The HTTP API: business endpoints, their OpenAPI document, authentication, problems.
//!
//! Invariants: a request that is refused has recorded nothing; every answer that is not a success is a problem+json with
//! a stable code; a 5xx answer says nothing of its cause; nobody learns whether a foreign ticket exists.

#![expect(
    unused_qualifications,
    reason = "utoipa writes its own paths with the spans of our types"
)]

pub mod auth;

mod answer;
mod bans;
mod csv;
mod days;
mod docs;
mod doors;
mod earnings;
mod entitlements;
mod error;
mod extract;
mod figures;
mod forward;
mod health;
mod hosts;
mod html;
mod layers;
mod ledger;
pub mod limits;
mod live;
mod log;
mod months;
mod past;
mod payouts;
mod people;
mod reconciliation;
mod recordings;
mod rollout;
mod rooms;
mod router;
mod sandbox;
pub mod server;
mod shapes;
mod shares;
mod stage;
mod state;
mod statements;
mod subscriptions;
mod tickets;
mod trace;
mod waiting_list;
mod webhooks;

pub use entitlements::ProjectedEntitlements;
pub use error::{ApiError, EntryRefusal, FieldError};
pub use hosts::HostTerms;
pub use live::Live;
pub use reconciliation::ProjectedBooks;
pub use recordings::Keeping;
pub use rollout::RolloutGate;
pub use router::{openapi, router};
pub use state::ApiParts;
pub(crate) use state::ApiState;
