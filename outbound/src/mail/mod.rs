//! E-mail by SMTP.
//!
//! A letter is handed over at least once: a server whose answer is lost may have taken it. Its `Message-ID` follows from what
//! the letter is about, so that the same letter twice is recognised as one by whoever files it.

mod address;
mod letter;
mod smtp;
#[cfg(test)]
mod tests;

pub use address::{EmailAddress, NoEmailAddress};
pub use letter::Letter;
pub use smtp::{MailError, MailSettings, MailSettingsError, Smtp};
