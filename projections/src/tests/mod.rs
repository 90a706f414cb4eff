//! Tests across views, and what the tests of each view share.

pub(crate) mod shop;
pub(crate) mod stage;
pub(crate) mod story;

mod lifecycle;
mod pages;
mod rebuild;
mod replay;
