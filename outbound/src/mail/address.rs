//! An e-mail address: personal data, so it is not printed.

use std::fmt;
use std::str::FromStr;

use lettre::Address;
use thiserror::Error;

/// What SMTP carries.
const LENGTH_MAX: usize = 254;

#[derive(Clone, PartialEq, Eq)]
pub struct EmailAddress(Address);

#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("must be an e-mail address of at most {LENGTH_MAX} characters")]
pub struct NoEmailAddress;

impl FromStr for EmailAddress {
    type Err = NoEmailAddress;

    fn from_str(text: &str) -> Result<Self, NoEmailAddress> {
        if text.len() > LENGTH_MAX || text.chars().any(char::is_control) {
            return Err(NoEmailAddress);
        }
        text.parse().map(Self).map_err(|_| NoEmailAddress)
    }
}

impl EmailAddress {
    /// To be stored or sent, never logged.
    pub fn reveal(&self) -> &str {
        self.0.as_ref()
    }

    pub(super) const fn as_address(&self) -> &Address {
        &self.0
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(…)")
    }
}
