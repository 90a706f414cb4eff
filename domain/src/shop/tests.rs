//! The shop: what its admins decided, each thing once.

use crate::testing::{at, past, user};
use crate::{Shop, ShopCommand, ShopEvent};

#[test]
fn a_person_is_erased_once() {
    let erase = |by, seconds| ShopCommand::ErasePerson {
        person: user(7),
        by: user(by),
        at: at(seconds),
    };
    let erased = ShopEvent::PersonErased {
        person: user(7),
        by: user(7),
        erased_at: at(1),
    };
    past::<Shop>([]).when(erase(7, 1)).then([erased]);
    past::<Shop>([erased]).when(erase(2, 9)).then([]);
}
