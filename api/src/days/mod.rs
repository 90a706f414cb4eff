//! The days of the shop: looked at, and sealed.

mod books;
mod day;
mod list;
mod read;
mod seal;

pub(crate) use books::by_class;
pub(crate) use list::*;
pub(crate) use read::*;
pub(crate) use seal::*;
