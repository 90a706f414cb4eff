//! The log itself: for finance and analysts.

mod checkpoint;
mod checkpoints;
mod consistency;
mod events;
mod head;
mod lines;
mod proof;
mod receipt_body;
mod receipts;
mod tile;

pub(crate) use checkpoint::CheckpointBody;
pub(crate) use checkpoints::*;
pub(crate) use consistency::*;
pub(crate) use events::*;
pub(crate) use head::*;
pub(crate) use proof::*;
pub(crate) use receipt_body::*;
pub(crate) use receipts::{entry, receipt};
pub(crate) use tile::*;
