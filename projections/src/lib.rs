//! Read models: what screens, books and the media server read, derived from the log and rebuilt from it at any time.
//!
//! Each view is a pure `evolve` from an event to typed changes, tables of its own in the schema `view_<name>`, and its
//! queries. A view's rows change in the transaction that moves its checkpoint, so a row is never ahead of or behind what
//! [`Projections::wait_for`] promises.

mod bulk;
mod convert;
mod error;
mod lifecycle;
mod next;
mod rebuild;
pub mod replay;
mod schema;
mod status;
#[cfg(test)]
mod tests;
mod view;

pub mod catalogue;
pub mod earnings;
pub mod entitlements;
pub mod ledger;
pub mod presence;
pub mod statements;
pub mod tickets;
pub mod timeline;

pub use convert::UnknownWord;
pub use error::{ApplyError, ProjectionError, QueryError, RebuildError};
pub use lifecycle::Projections;
pub use rebuild::{RebuildAllReport, RebuildReport, rebuild, rebuild_all};
pub use status::{ViewStatus, list};
pub use view::View;
