//! What the events come to, by rules of this crate's own.

mod books;
mod hosts;
mod quotas;
mod rooms;
mod sales;
mod state;

pub(crate) use state::Fold;
