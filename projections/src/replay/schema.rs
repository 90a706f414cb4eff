//! The names of a replay's schemas.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::View;

/// With a view's name behind it, far below what PostgreSQL takes.
const CHARS_MAX: usize = 40;
/// Names that are, or could be taken for, somebody else's.
const RESERVED: &[&str] = &["public", "information_schema", "analytics", "view"];
const RESERVED_PREFIXES: &[&str] = &["pg_", "view_"];

/// Where a replay keeps its place. Each of its views has a schema beside it: `spring_ledger` of a replay into `spring`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReplaySchema(String);

#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error(
    "must be 1 to 40 characters from a-z, 0-9 and _, begin with a letter, and be no name of the shop's own schemas"
)]
pub struct NoReplaySchema;

impl ReplaySchema {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where a view's tables are.
    pub fn of(&self, view: View) -> String {
        format!("{}_{view}", self.0)
    }
}

impl fmt::Display for ReplaySchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ReplaySchema {
    type Err = NoReplaySchema;

    fn from_str(text: &str) -> Result<Self, NoReplaySchema> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let is_name = (1..=CHARS_MAX).contains(&text.len())
            && text.bytes().all(is_plain)
            && text.starts_with(|first: char| first.is_ascii_lowercase());
        let is_reserved = RESERVED.contains(&text) || RESERVED_PREFIXES.iter().any(|prefix| text.starts_with(prefix));
        if is_name && !is_reserved {
            Ok(Self(text.to_owned()))
        } else {
            Err(NoReplaySchema)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leads_to_a_table_of_somebody_else() {
        for name in ["spring", "what_if_2", "a"] {
            assert_eq!(name.parse::<ReplaySchema>().map(|schema| schema.0), Ok(name.to_owned()));
        }
        let long = "a".repeat(CHARS_MAX + 1);
        for name in [
            "",
            "Spring",
            "2nd",
            "_a",
            "a b",
            "a;b",
            "a\"b",
            "ä",
            "public",
            "view",
            "view_ledger",
            "pg_temp",
            "analytics",
            &long,
        ] {
            assert_eq!(name.parse::<ReplaySchema>(), Err(NoReplaySchema), "{name}");
        }
    }
}
