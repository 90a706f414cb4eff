//! Sharing: what a sale brings, and what a dispute takes of it, reaches everybody who shares it.
//!
//! The account of the room's host decides who has how much; an event of it leads to one job for each of the others, and
//! each job to one command on one account. What is on its way between two accounts is in `clearing:share`.

mod credit;
mod follow;
mod react;

pub use credit::credit_share;
pub use follow::follow_share;
pub use react::react;
