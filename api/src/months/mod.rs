//! The months of the shop, once they are closed.

mod accounts;
mod month;
mod page;
mod read;
mod sheet;

pub(crate) use read::*;
