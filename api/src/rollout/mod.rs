//! The roll-out: who may sell where.

mod assign;
mod body;
mod change;
mod gate;
mod read;

pub(crate) use assign::*;
pub(crate) use change::*;
pub use gate::RolloutGate;
pub(crate) use read::*;
