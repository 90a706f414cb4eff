//! The checker itself, judged: logs that are right, and logs that are wrong in one way each.

mod acknowledgements;
mod audits;
mod copies;
mod money;
mod rows;
mod seats;
mod story;
mod views;
