//! The names of schemas that analysts fold into.

use std::fmt;
use std::str::FromStr;

use event_log::is_free_schema_name;
use thiserror::Error;

use crate::SCHEMA;

/// What PostgreSQL takes.
const CHARS_MAX: usize = 63;

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
        if is_free_schema_name(text, CHARS_MAX) {
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
        let longest = "a".repeat(CHARS_MAX);
        for name in ["spring", &longest] {
            assert_eq!(name.parse::<SchemaName>().map(|schema| schema.0), Ok(name.to_owned()));
        }
        for name in ["public", "view_ledger", "a;b", &format!("{longest}a")] {
            assert_eq!(name.parse::<SchemaName>(), Err(NoSchemaName), "{name}");
        }
    }
}
