//! The provider's statement beside the books: for finance.

mod books;
mod read;

pub use books::ProjectedBooks;
pub(crate) use read::*;
