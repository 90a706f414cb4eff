//! Who calls.

use api::auth::Role;

/// Somebody with a token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Person {
    pub(crate) id: &'static str,
    pub(crate) roles: &'static [Role],
}

const fn person(id: &'static str, roles: &'static [Role]) -> Person {
    Person { id, roles }
}

pub(crate) const HOST: Person = person("00000000-0000-7000-8000-00000000a057", &[]);
pub(crate) const OTHER_HOST: Person = person("00000000-0000-7000-8000-00000000a058", &[]);
pub(crate) const ALICE: Person = person("00000000-0000-7000-8000-0000000a11ce", &[]);
pub(crate) const BOB: Person = person("00000000-0000-7000-8000-000000000b0b", &[]);
pub(crate) const CLEO: Person = person("00000000-0000-7000-8000-0000000c1e00", &[]);
pub(crate) const DORA: Person = person("00000000-0000-7000-8000-0000000d02a0", &[]);
pub(crate) const ADMIN: Person = person("00000000-0000-7000-8000-0000000ad814", &[Role::Admin]);
pub(crate) const FINANCE: Person = person("00000000-0000-7000-8000-00000f18a8ce", &[Role::Finance]);
pub(crate) const ANALYST: Person = person("00000000-0000-7000-8000-00000a8a1157", &[Role::Analyst]);
