//! The names of a replay's schemas.

use std::fmt;
use std::str::FromStr;

use event_log::is_free_schema_name;
use thiserror::Error;

use crate::View;

/// With a view's name behind it, far below what PostgreSQL takes.
const CHARS_MAX: usize = 40;

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
        if is_free_schema_name(text, CHARS_MAX) {
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
    fn a_name_of_the_shop_is_refused() {
        let longest = "a".repeat(CHARS_MAX);
        for name in ["spring", &longest] {
            assert_eq!(name.parse::<ReplaySchema>().map(|schema| schema.0), Ok(name.to_owned()));
        }
        for name in ["public", "view_ledger", "a;b", &format!("{longest}a")] {
            assert_eq!(name.parse::<ReplaySchema>(), Err(NoReplaySchema), "{name}");
        }
    }
}
