//! What the tests share.

mod answer;
mod app;
mod call;
mod clock;
mod core;
mod log;
mod office;
mod people;
mod receiver;
mod sink;
mod studio;
mod wire;

pub(crate) use answer::{Answer, text};
pub(crate) use app::{Shop, TestApp};
pub(crate) use call::Call;
pub(crate) use clock::TestClock;
pub(crate) use log::claim_tls;
use office::Office;
pub(crate) use people::{ADMIN, ALICE, ANALYST, BOB, CLEO, DORA, FINANCE, HOST, OTHER_HOST, Person};
pub(crate) use receiver::{Mood, Receiver};
pub(crate) use sink::{Sink, Whim};
pub(crate) use studio::Studio;
pub(crate) use wire::Wire;
