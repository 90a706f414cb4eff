//! Somebody as an identity provider names them.

use std::fmt;

use domain::UserId;

/// Who a token speaks for, before it is known which id of the log that is.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Subject {
    /// SHA-256 of issuer and subject.
    pub key: [u8; 32],
    /// An opaque id that the provider itself gave: it is used as it is.
    pub own_id: Option<UserId>,
    /// The id that older versions derived from the name. Whoever the log knows by it keeps it.
    pub derived_id: UserId,
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subject(…)")
    }
}
