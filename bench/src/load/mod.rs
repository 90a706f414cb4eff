//! Rooms to sell and the clients that want seats in them.

mod buyers;
mod clients;
mod office;
mod synthetic;

pub(crate) use buyers::{buyer_id, hold, metadata};
pub(crate) use clients::{Answer, Course, Run, drive};
pub(crate) use office::{Office, engine, fingerprint, host_metadata, room_id, schedule, timed};
pub(crate) use synthetic::fill;
