//! What the payment provider tells: raw webhooks stored before they are answered, read afterwards.
//!
//! A webhook that cannot be read, or that says what the ticket refuses, is put aside with its error and stays; a later
//! version, or a human, reads it again.

mod applied;
mod apply;
mod intake;
mod notices;
mod reader;
mod store;
mod store_notice;

pub(crate) use applied::Applied;
pub use apply::{ApplyError, apply_event};
pub(crate) use intake::Intake;
pub use intake::ReceiveError;
pub(crate) use notices::keep_store_refund_owed;
pub use notices::{NoticeRow, list_notices};
pub(crate) use reader::{Reader, Source};
pub use store::{
    InboxCounts, Replay, WebhookRow, count, list_put_aside, list_webhooks, replay, reread, reread_put_aside,
};
