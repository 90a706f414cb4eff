//! Standing: while a host is suspended nothing of theirs is sold and no payout is sent; once reinstated, both go on. Whom a
//! host bans from all rooms is banned in each.

mod follow;
mod react;
mod rooms;

pub use follow::{follow, follow_room};
pub use react::react;
pub(crate) use rooms::remember_rooms;
