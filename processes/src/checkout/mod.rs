//! Checkout: from a held seat to a ticket, or to a refund.
//!
//! `begin_payment` is the buyer's request; the rest happens by itself: capture → sell the seat → issue, with the
//! late-payment ladder's verdict in between.

mod begin;
mod head_start;
mod intent;
mod issue;
mod purchase;
mod react;
mod sell;

pub use begin::{BeginPayment, BeginPaymentError, Begun, begin_payment};
pub use intent::{cancel_intents, check_payment};
pub use issue::{issue_ticket, refund_seat_gone};
pub use purchase::{PurchaseError, record_purchase};
pub use react::react;
pub use sell::sell_seat;

pub(crate) use head_start::head_start;
pub(crate) use intent::{Check, check, has_seat, record_intent};
pub(crate) use issue::{is_issued_and_settled, leaves_tickets_alone};
pub(crate) use purchase::record_store_refund;
pub(crate) use sell::awaiting_seat;
