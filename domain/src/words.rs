//! What a text on the log may be. A field of an event that is a `String` says by `#[schemars(with = "...")]` which of these it
//! holds; one that says nothing is refused by a test (`tests/personal_data.rs`), so that nobody's name, address or message
//! gets onto the log unseen. Each kind is a claim that whoever adds a field has to make, and a reviewer can read.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $format:literal;)+) => {$(
        $(#[$doc])*
        pub(crate) enum $kind {}

        impl JsonSchema for $kind {
            fn schema_name() -> Cow<'static, str> {
                stringify!($kind).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({"type": "string", "format": $format})
            }
        }
    )+};
}

kinds! {
    /// What a host publishes about a room, to everybody: its title, its description, the names of its prices.
    Published = "published";
    /// The shop's own vocabulary: the name of a preset, a provider, a class of accounts, a price; a language tag; a country.
    ShopWord = "shop-word";
    /// By which a provider knows a payment, a dispute, an account: opaque, and of use to nobody else.
    ProviderRef = "provider-ref";
    /// Why a provider or a store refused, cut short and without control characters. About a payment, not about a person.
    ProviderReason = "provider-reason";
    /// SHA-256 of what is no person's, in hex: of a recording, of legal terms, of the chain.
    Digest = "sha256";
}
