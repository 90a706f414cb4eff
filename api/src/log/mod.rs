//! The log itself: for finance and analysts.

mod checkpoint;
mod checkpoints;
mod consistency;
mod events;
mod head;
mod lines;
mod newest_checkpoint;
mod proof;
mod receipt_body;
mod receipts;
mod tile;
mod tile_entries;

pub(crate) use checkpoint::CheckpointBody;
pub(crate) use checkpoints::*;
pub(crate) use consistency::*;
pub(crate) use events::*;
pub(crate) use head::*;
pub(crate) use newest_checkpoint::*;
pub(crate) use proof::*;
pub(crate) use receipt_body::*;
pub(crate) use receipts::{entry, receipt};
pub(crate) use tile::*;
pub(crate) use tile_entries::*;
