//! The rules of boxoffice: rooms, tickets, payouts and the shop itself as event-sourced aggregates.
//!
//! Everything here is pure. Time, ids and looked-up facts arrive inside commands; a decision is a function of state and
//! command; an event is a fact kept for ever. No database, no network, no clock, no randomness.
#![deny(clippy::wildcard_enum_match_arm, clippy::arithmetic_side_effects)]

pub mod eligibility;
pub mod event;
pub mod fees;
pub mod fingerprint;
pub mod ids;
pub mod label;
pub mod money;
pub mod payout;
pub mod preset;
pub mod room;
pub mod schema;
pub mod shares;
pub mod shop;
mod storable;
pub mod tax;
pub mod terms;
pub mod terms_hash;
#[cfg(test)]
mod testing;
mod text;
pub mod ticket;
pub mod upcast;
mod words;

pub use eligibility::{Admission, Fact, FactName, FactSource, FailedFact, HostFacts, HostRules, Requirement};
pub use event::{AnyEvent, StoredEvent, UnknownEvent};
pub use fees::{EarningRules, FeeBase, FeeRules, FeeTier};
pub use fingerprint::Fingerprint;
pub use ids::{
    PaymentId, PayoutId, RecordingId, RefundId, RoomId, SessionId, ShopId, SubscriptionId, TicketId, UserId,
};
pub use label::Label;
pub use money::{BasisPoints, Currency, Money, MoneyError};
pub use payout::{Payout, PayoutCommand, PayoutError, PayoutEvent};
pub use preset::Preset;
pub use room::{Room, RoomCommand, RoomError, RoomEvent};
pub use schema::{EventSchema, event_schemas};
pub use shares::Share;
pub use shop::{Reach, Rollout, Shop, ShopCommand, ShopError, ShopEvent};
pub use storable::Storable;
pub use tax::{Country, CountryEvidence, TaxPart, TaxRule, TaxRules};
pub use terms::{Channel, Customer, Pricing, RefundPolicy, SaleRules, Terms};
pub use terms_hash::TermsHash;
pub use ticket::{Ticket, TicketCommand, TicketError, TicketEvent};

/// A moment, UTC. Milliseconds are what clients see; the log keeps what it was given.
pub type Timestamp = chrono::DateTime<chrono::Utc>;
