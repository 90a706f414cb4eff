//! A stand-in for Stripe in tests: the calls that boxoffice makes, with the rules that matter, and nothing of boxoffice.
//!
//! - It remembers. An idempotency key gives the first answer again for 24 hours, refuses other parameters, and is then
//!   forgotten; a cancelled intent is not paid; refunds end at what was captured, transfers at the balance.
//! - It is deterministic: ids are counted, the clock stands still until it is moved.
//! - It has bad days on demand ([`Fault`]): rate limits, failures, saved failures, answers and requests that get lost.
//! - What the buyer, the bank and the card network do is said by the test ([`FakeStripe::confirm`] and its like).
//! - It sends no webhooks: the test takes their bodies and hands them over, late, twice, in another order, or never.

mod actions;
mod answer;
mod calls;
mod fake;
mod faults;
mod lists;
mod state;

pub use actions::Card;
pub use fake::{FakeStripe, SECRET_KEY};
pub use faults::Fault;
