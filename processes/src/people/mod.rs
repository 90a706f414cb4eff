//! People: which id of the log stands for whom, how they are reached, what they are called, and how all of that is forgotten.
//!
//! Invariants: an id says nothing of the person; what leads from one to the other, and what is known of them, is in tables outside
//! the log, and is gone when the person is erased; an erased id is given to nobody again; whoever comes back after it is somebody
//! new.

mod cache;
mod contacts;
mod display_name;
mod erase;
mod keeper;
mod lookup;
mod profiles;
mod react;
#[cfg(test)]
mod rewrap_tests;
mod store;
mod subject;
#[cfg(test)]
mod tests;
mod vault_keys;
mod vault_rows;
#[cfg(test)]
mod vault_tests;

pub use contacts::{ClaimedContact, Contact, NewContact};
pub use display_name::{DisplayName, NoDisplayName};
pub use erase::{ErasePersonError, erase_person, forget_person};
pub use keeper::People;
pub use lookup::FindPersonError;
pub use react::react;
pub use subject::Subject;
pub use vault_keys::{KeyInUse, Rewrap, RewrapError, keys_in_use};
