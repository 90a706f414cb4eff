//! Settlement: a delivered room earns its host the money that was unearned until then, less what was missing of it.

mod react;
mod settle;

pub use react::react;
pub use settle::{credit_earning, settle_room, settle_ticket};
