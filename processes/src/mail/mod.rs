//! E-mail: the ticket, reminders, doors open, another time, a cancellation, a refund, an offer to who waits in line.
//!
//! What there is to write follows from events; whether it still holds is looked up at the moment of sending: a reminder of a
//! room that was cancelled or moved meanwhile is not sent. Reminders are timers of a room, not of a person: whoever holds a
//! ticket when they ring is reminded. A letter is named after what it is about, and sent once under that name; should this
//! process die between the server's word and our writing it down, it comes once more, with the same `Message-ID`.

mod letters;
mod notify;
mod outbox;
mod react;
mod remind;
mod send;
mod template;
#[cfg(test)]
mod tests;

pub use letters::{Mail, Notice, Reminder};
pub use notify::notify_holders;
pub(crate) use outbox::prune;
pub use react::react;
pub use remind::remind_holders;
pub use send::{Mailer, send_mail};
pub use template::is_timezone;
