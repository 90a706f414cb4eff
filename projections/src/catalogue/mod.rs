//! The catalogue: every room, with its seats counted held and sold apart.

mod apply;
mod evolve;
mod fold;
mod past;
mod queries;
#[cfg(test)]
mod tests;

pub(crate) use apply::apply;
pub(crate) use evolve::evolve;
pub use past::PastRoom;
pub use queries::{RoomFilter, RoomRow, RoomState, TierRow, count_rooms_hosted, find_room, list_rooms};
