//! The provider's statement beside the books: for finance.

mod read;

pub(crate) use read::*;
