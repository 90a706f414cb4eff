//! The names of schemas that analysts fold into.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::SCHEMA;

const CHARS_MAX: usize = 63;
/// Schemas of the shop and of PostgreSQL.
const RESERVED: &[&str] = &["public", "information_schema", SCHEMA];
const RESERVED_PREFIXES: &[&str] = &["pg_", "view_"];

/// A schema that is no schema of the shop's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SchemaName(String);

#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error(
    "must be 1 to 63 characters from a-z, 0-9 and _, begin with a letter, and be no name of the shop's own schemas"
)]
pub struct NoSchemaName;

impl SchemaName {
    /// The one that is made by an installation.
    pub(crate) fn analytics() -> Self {
        Self(SCHEMA.to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SchemaName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for SchemaName {
    type Err = NoSchemaName;

    fn from_str(text: &str) -> Result<Self, NoSchemaName> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let is_name = (1..=CHARS_MAX).contains(&text.len())
            && text.bytes().all(is_plain)
            && text.starts_with(|first: char| first.is_ascii_lowercase());
        let is_reserved = RESERVED.contains(&text) || RESERVED_PREFIXES.iter().any(|prefix| text.starts_with(prefix));
        if is_name && !is_reserved {
            Ok(Self(text.to_owned()))
        } else {
            Err(NoSchemaName)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_the_shop_is_refused() {
        assert!("late_moves".parse::<SchemaName>().is_ok());
        for name in [
            "",
            "Late",
            "a-b",
            "a\";",
            "public",
            "view_ledger",
            "pg_catalog",
            "analytics",
            "1st",
        ] {
            assert_eq!(name.parse::<SchemaName>(), Err(NoSchemaName), "{name}");
        }
    }
}
