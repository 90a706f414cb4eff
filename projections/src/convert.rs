//! Between the words and numbers of tables and the types of the domain.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use domain::{Currency, Money};
use serde::Serialize;
use thiserror::Error;

use crate::{ApplyError, QueryError};

/// A text that names no variant.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("unknown word {0:?}")]
pub struct UnknownWord(pub String);

/// An enum whose variants are words, in tables as on screens.
macro_rules! words {
    ($(#[$doc:meta])* pub enum $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, serde::Deserialize)]
        pub enum $name { $($(#[$variant_doc])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::UnknownWord;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    unknown => Err($crate::UnknownWord(unknown.to_owned())),
                }
            }
        }
    };
}
pub(crate) use words;

/// Positions never reach 2^63; one that did would lie after every row.
pub(crate) fn bigint(position: u64) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}

/// The position a list goes on before: newest first, so the start is after everything.
pub(crate) fn before(cursor: Option<u64>) -> i64 {
    cursor.map_or(i64::MAX, bigint)
}

/// A text as PostgreSQL can store it: it knows no NUL, and no event may stop a view.
pub(crate) fn text(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// What a word of a table of our own names.
pub(crate) fn known<T: FromStr<Err = UnknownWord>>(word: &str) -> Result<T, ApplyError> {
    Ok(word.parse()?)
}

/// The word a value is serialised as.
pub(crate) fn word<T: Serialize>(value: T) -> Result<String, ApplyError> {
    let json = serde_json::to_value(value)?;
    Ok(json.as_str().map(str::to_owned).unwrap_or_default())
}

/// Reads the columns of one row; what does not fit is an [`QueryError::InconsistentRow`].
pub(crate) struct RowOf<I> {
    table: &'static str,
    id: I,
}

impl<I: fmt::Display> RowOf<I> {
    pub(crate) const fn new(table: &'static str, id: I) -> Self {
        Self { table, id }
    }

    pub(crate) fn fit<T, E>(&self, column: &'static str, value: Result<T, E>) -> Result<T, QueryError> {
        value.map_err(|_| QueryError::InconsistentRow {
            table: self.table,
            column,
            id: self.id.to_string(),
        })
    }

    pub(crate) fn position(&self, column: &'static str, value: i64) -> Result<u64, QueryError> {
        self.fit(column, u64::try_from(value))
    }

    pub(crate) fn count(&self, column: &'static str, value: i32) -> Result<u32, QueryError> {
        self.fit(column, u32::try_from(value))
    }

    pub(crate) fn currency(&self, code: &str) -> Result<Currency, QueryError> {
        self.fit("currency", code.parse())
    }

    pub(crate) fn money(&self, amount_minor: i64, currency: &str) -> Result<Money, QueryError> {
        Ok(Money::new(amount_minor, self.currency(currency)?))
    }
}

/// A count of the domain as a column. Counts are bounded far below 2^31 by the presets.
pub(crate) fn int(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
