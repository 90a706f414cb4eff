//! What the tests share.

mod answer;
mod app;
mod people;
mod wire;

pub(crate) use answer::Answer;
pub(crate) use app::TestApp;
pub(crate) use people::{ADMIN, ALICE, ANALYST, BOB, FINANCE, HOST, OTHER_HOST, Person};
pub(crate) use wire::Wire;
