//! A room: owns the scarce thing (seats) and the stage.

mod bans;
mod command;
mod decide;
mod details;
mod entering;
mod error;
mod event;
mod facts;
mod hosting;
mod leading;
mod lifecycle;
mod moderating;
mod offering;
mod powers;
mod prices;
mod pricing;
mod rescheduling;
mod revising;
mod schedule;
mod seats;
mod selling;
mod sharing;
mod speaking;
mod stage;
mod state;
#[cfg(test)]
mod tests;
mod transferring;
mod turns;
mod waiting_list;

pub use bans::{BANS_MAX, Bans};
pub use command::*;
pub use entering::{Entrant, Entries, LOBBY_LEAD, TAKE_OVERS_MAX};
pub use error::*;
pub use event::*;
pub use facts::*;
pub use leading::CO_HOSTS_MAX;
pub use lifecycle::INTERVALS_PER_EVENT_MAX;
pub use offering::{LATE_WAIT, WaitingPlace};
pub use powers::*;
pub use prices::*;
pub use seats::*;
pub use sharing::{SHARING_MAX, Sharing};
pub use stage::*;
pub use state::*;
pub use waiting_list::WAITING_MAX;
