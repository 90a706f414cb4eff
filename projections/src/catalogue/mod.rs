//! The catalogue: every room, with its seats counted held and sold apart.

mod apply;
mod evolve;
mod queries;
#[cfg(test)]
mod tests;

pub(crate) use apply::apply;
pub use queries::{RoomFilter, RoomRow, RoomState, find_room, list_rooms};
