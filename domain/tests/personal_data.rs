//! No event can hold personal data: a text on the log is of a kind that is no person's, and the type of its field says which.

use std::collections::{BTreeMap, BTreeSet};

use domain::event_schemas;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, schema_for};
use serde_json::Value;

/// What a text may be: opaque ids, times, and the kinds of `domain::words`. Nothing is added here that could be a person's.
const FORMATS: [&str; 8] = [
    "uuid",
    "date-time",
    "date",
    "published",
    "shop-word",
    "provider-ref",
    "provider-reason",
    "sha256",
];
/// Texts that have a type of their own, by what that type takes.
const PATTERNS: [&str; 5] = [
    "^[a-z0-9_-]{1,40}$",
    "^[A-Z]{2}$",
    "^[A-Z]{3}$",
    "^[0-9a-f]{16}$",
    "^[0-9a-f]{64}$",
];
/// Kinds that somebody else writes freely: only these fields are of them.
const FREE: [(&str, &[&str]); 2] = [
    ("published", &["description", "label", "name", "tier_name", "title"]),
    ("provider-reason", &["reason"]),
];

/// Where a schema lets a text, a map or a value through that could be anything.
fn open_places(schema: &Value, path: &str) -> Vec<String> {
    let Some(object) = schema.as_object() else {
        return vec![path.to_owned()];
    };
    let mut parts = Vec::new();
    for (name, property) in object
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        parts.push((format!("{path}/{name}"), property));
    }
    for word in ["oneOf", "anyOf", "allOf", "prefixItems"] {
        let each = object.get(word).and_then(Value::as_array).into_iter().flatten();
        parts.extend(each.map(|part| (path.to_owned(), part)));
    }
    let items = object
        .get("items")
        .filter(|items| items.is_object() || items == &&Value::Bool(true));
    parts.extend(items.map(|items| (format!("{path}/*"), items)));
    let has_parts = !parts.is_empty();
    let mut open: Vec<String> = parts.iter().flat_map(|(path, part)| open_places(part, path)).collect();
    if !is_closed(schema, has_parts) {
        open.push(path.to_owned());
    }
    open
}

/// Whether what the schema itself takes, beside its parts, is nobody's.
fn is_closed(schema: &Value, has_parts: bool) -> bool {
    let is_word = |value: &Value, words: &[&str]| value.as_str().is_some_and(|word| words.contains(&word));
    let is_listed = schema.get("const").is_some() || schema.get("enum").is_some();
    let takes = |kind: &Value| match kind.as_str() {
        Some("null" | "boolean" | "integer") => true,
        Some("string") => is_listed || is_word(&schema["format"], &FORMATS) || is_word(&schema["pattern"], &PATTERNS),
        Some("array") => has_parts,
        Some("object") => {
            let names_are_free = |word: &str| schema.get(word).is_some_and(|members| members != &Value::Bool(false));
            has_parts && !names_are_free("additionalProperties") && !names_are_free("patternProperties")
        }
        _ => false,
    };
    match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().all(takes),
        Some(kind) => takes(kind),
        None => has_parts || is_listed,
    }
}

/// The names of all fields, by the format of their text.
fn fields_by_format(schema: &Value, fields: &mut BTreeMap<String, BTreeSet<String>>) {
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(format) = member["format"].as_str() {
            fields.entry(format.to_owned()).or_default().insert(name.clone());
        }
    }
    match schema {
        Value::Object(members) => members.values().for_each(|member| fields_by_format(member, fields)),
        Value::Array(items) => items.iter().for_each(|item| fields_by_format(item, fields)),
        _ => {}
    }
}

#[test]
fn no_event_has_a_field_that_could_hold_a_persons_data() {
    let mut open = Vec::new();
    for event in event_schemas() {
        let name = format!("{}.{}", event.aggregate_type, event.event_type);
        open.extend(open_places(&event.schema, &name));
    }
    assert!(
        open.is_empty(),
        "these could hold anything; give them a type, or a kind of domain::words: {open:#?}"
    );
}

#[test]
fn what_others_write_freely_is_in_these_fields_alone() {
    let mut fields = BTreeMap::new();
    for event in event_schemas() {
        fields_by_format(&event.schema, &mut fields);
    }
    for (format, names) in FREE {
        let names: BTreeSet<String> = names.iter().map(|&name| name.to_owned()).collect();
        assert_eq!(fields.get(format), Some(&names), "{format}");
    }
}

/// As an event would look if somebody wrote down who bought.
#[derive(JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(dead_code, reason = "its schema is what is looked at")]
enum Careless {
    BuyerNamed { email: String, seats: u32 },
    BuyerCalled { phone: Option<String> },
    BuyersListed { people: Vec<Person> },
    BuyerDescribed { facts: BTreeMap<String, u32> },
    BuyerNoted { note: Value },
    BuyersWeighed { kilograms: f32 },
}

#[derive(JsonSchema)]
#[expect(dead_code, reason = "its schema is what is looked at")]
struct Person {
    name: String,
}

#[test]
fn a_field_that_could_is_found_however_it_is_wrapped() {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let schema = settings
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<Careless>();
    let found: BTreeSet<String> = open_places(schema.as_value(), "").into_iter().collect();
    let expected = ["/email", "/phone", "/people/*/name", "/facts", "/note", "/kilograms"];
    assert_eq!(found, expected.map(str::to_owned).into());
    assert_eq!(open_places(schema_for!(String).as_value(), "bare"), ["bare"]);
}
