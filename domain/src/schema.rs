//! What each event type looks like when it is stored, as JSON Schema: made from the types that write and read it, so that a
//! field which is added to an event is in here by itself.

use std::borrow::Cow;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use crate::label::Label;
use crate::money::BasisPoints;
use crate::tax::Country;
use crate::{Fingerprint, PayoutEvent, RoomEvent, ShopEvent, TermsHash, TicketEvent};

/// The stored form of one event type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EventSchema {
    /// `room`, `ticket`, `payout` or `shop`.
    pub aggregate_type: &'static str,
    pub event_type: String,
    pub event_version: &'static str,
    /// JSON Schema, 2020-12, of the payload, with nothing to look up elsewhere.
    pub schema: Value,
}

/// Every event type there is, of its current version, in the order of their declaration.
pub fn event_schemas() -> Vec<EventSchema> {
    [
        of::<RoomEvent>("room"),
        of::<TicketEvent>("ticket"),
        of::<PayoutEvent>("payout"),
        of::<ShopEvent>("shop"),
    ]
    .concat()
}

/// One document for the payloads of all events: `$defs` has a schema for each type, under
/// `<aggregate type>.<event type>.v<event version>`.
pub fn document() -> Value {
    let named = event_schemas().into_iter().map(|event| {
        let name = format!("{}.{}.v{}", event.aggregate_type, event.event_type, event.event_version);
        (name, event.schema)
    });
    let definitions: Map<String, Value> = named.collect();
    let references = definitions
        .keys()
        .map(|name| json!({"$ref": format!("#/$defs/{name}")}));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Payload of an event of a boxoffice log",
        "oneOf": references.collect::<Vec<_>>(),
        "$defs": definitions,
    })
}

fn of<E: JsonSchema>(aggregate_type: &'static str) -> Vec<EventSchema> {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let schema = settings.for_serialize().into_generator().into_root_schema_for::<E>();
    let variants = schema.get("oneOf").and_then(Value::as_array);
    let of_variant = |schema: &Value| {
        let event_type = schema.pointer("/properties/type/const")?.as_str()?.to_owned();
        Some(EventSchema {
            aggregate_type,
            event_type,
            event_version: "1",
            schema: schema.clone(),
        })
    };
    variants.into_iter().flatten().filter_map(of_variant).collect()
}

/// Types that are written as another one.
macro_rules! written_as {
    ($($kind:ident: $schema:tt),+ $(,)?) => {$(
        impl JsonSchema for $kind {
            fn schema_name() -> Cow<'static, str> {
                stringify!($kind).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )+};
}

written_as! {
    Label: {"type": "string", "pattern": "^[a-z0-9_-]{1,40}$"},
    BasisPoints: {"type": "integer", "minimum": 0, "maximum": 10_000},
    Country: {"type": "string", "pattern": "^[A-Z]{2}$"},
    Fingerprint: {"type": "string", "pattern": "^[0-9a-f]{16}$"},
    TermsHash: {"type": "string", "pattern": "^[0-9a-f]{64}$"},
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde::de::DeserializeOwned;

    use super::*;

    /// What serde would accept: the only list of variants that cannot be forgotten.
    fn variants<E: DeserializeOwned>() -> BTreeSet<String> {
        let refusal = serde_json::from_str::<E>(r#"{"type":"?"}"#)
            .err()
            .expect("refused")
            .to_string();
        let (_, expected) = refusal.split_once("expected").expect("what is expected");
        expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    #[test]
    fn every_event_type_has_a_schema() {
        let all = event_schemas();
        let of = |aggregate: &str| -> BTreeSet<String> {
            let mine = all.iter().filter(|schema| schema.aggregate_type == aggregate);
            mine.map(|schema| schema.event_type.clone()).collect()
        };
        assert_eq!(of("room"), variants::<RoomEvent>());
        assert_eq!(of("ticket"), variants::<TicketEvent>());
        assert_eq!(of("payout"), variants::<PayoutEvent>());
        assert_eq!(of("shop"), variants::<ShopEvent>());
    }

    #[test]
    fn a_schema_needs_nothing_from_elsewhere() {
        for schema in event_schemas() {
            let text = schema.schema.to_string();
            assert!(!text.contains("$ref"), "{}: {text}", schema.event_type);
            assert_eq!(schema.schema["type"], "object", "{}: {text}", schema.event_type);
        }
    }
}
