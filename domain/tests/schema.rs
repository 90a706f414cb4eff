//! The schema that goes with an export of the log says what is stored, no more and no less.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use domain::schema;
use serde_json::Value;

/// As much of JSON Schema as our own types need. `Err` says where the value is otherwise.
fn check(document: &Value, schema: &Value, value: &Value, path: &str) -> Result<(), String> {
    if schema == &Value::Bool(true) {
        return Ok(());
    }
    if let Some(reference) = schema["$ref"].as_str() {
        let target = document.pointer(reference.trim_start_matches('#')).ok_or(reference)?;
        check(document, target, value, path)?;
    }
    if let Some(constant) = schema.get("const") {
        (constant == value)
            .then_some(())
            .ok_or(format!("{path} is not {constant}"))?;
    }
    if let Some(Value::Array(allowed)) = schema.get("enum") {
        allowed
            .contains(value)
            .then_some(())
            .ok_or(format!("{path} is none of {allowed:?}"))?;
    }
    for choice in ["oneOf", "anyOf"] {
        if let Some(Value::Array(alternatives)) = schema.get(choice) {
            let fits = alternatives.iter().any(|one| check(document, one, value, path).is_ok());
            fits.then_some(()).ok_or(format!("{path} fits no alternative"))?;
        }
    }
    check_type(schema, value, path)?;
    match value {
        Value::Object(_) => check_object(document, schema, value, path),
        Value::Array(items) => {
            let each = items.iter().enumerate();
            let each = each.map(|(nth, item)| check(document, &schema["items"], item, &format!("{path}/{nth}")));
            each.filter(|_| schema.get("items").is_some()).collect()
        }
        _ => Ok(()),
    }
}

fn check_type(schema: &Value, value: &Value, path: &str) -> Result<(), String> {
    let is_of = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("{other} has no place in an event"),
    };
    let fits = match &schema["type"] {
        Value::String(name) => is_of(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).any(is_of),
        _ => true,
    };
    fits.then_some(()).ok_or(format!("{path} is no {}", schema["type"]))
}

fn check_object(document: &Value, schema: &Value, value: &Value, path: &str) -> Result<(), String> {
    for name in schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        value.get(name).ok_or(format!("{path}/{name} is missing"))?;
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(member) = value.get(name) {
            check(document, property, member, &format!("{path}/{name}"))?;
        }
    }
    Ok(())
}

/// Every name that an object may have, however the schema is put together.
fn known_names(document: &Value, schema: &Value, names: &mut BTreeSet<String>) {
    names.extend(
        schema["properties"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name.clone()),
    );
    if let Some(reference) = schema["$ref"].as_str() {
        known_names(
            document,
            document
                .pointer(reference.trim_start_matches('#'))
                .expect("a definition"),
            names,
        );
    }
    for part in ["allOf", "oneOf"] {
        for part in schema[part].as_array().into_iter().flatten() {
            known_names(document, part, names);
        }
    }
}

fn goldens() -> impl Iterator<Item = (String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let files = fs::read_dir(folder).expect("the golden folder");
    files.map(|file| {
        let path = file.expect("a file").path();
        let name = path.file_stem().expect("a name").to_str().expect("UTF-8").to_owned();
        let text = fs::read_to_string(path).expect("readable");
        (name, serde_json::from_str(&text).expect("JSON"))
    })
}

#[test]
fn every_event_that_is_stored_is_described() {
    let document = schema::document();
    let mut described = BTreeSet::new();
    for (name, payload) in goldens() {
        let schema = &document["$defs"][&name];
        assert!(schema.is_object(), "{name} is not described");
        check(&document, schema, &payload, "").unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut names = BTreeSet::new();
        known_names(&document, schema, &mut names);
        for member in payload.as_object().expect("an object").keys() {
            assert!(names.contains(member), "{name} does not describe {member}");
        }
        described.insert(format!("#/$defs/{name}"));
    }
    let listed = document["oneOf"].as_array().expect("a list").iter();
    let listed: BTreeSet<String> = listed
        .map(|one| one["$ref"].as_str().expect("a reference").to_owned())
        .collect();
    assert_eq!(listed, described);
}

#[test]
fn what_is_not_an_event_does_not_fit() {
    let document = schema::document();
    for (name, payload) in goldens() {
        let schema = &document["$defs"][&name];
        let mut other = payload.clone();
        other["type"] = Value::from("room_sank");
        assert!(check(&document, schema, &other, "").is_err(), "{name}: another type");
    }
    let scheduled = goldens()
        .find(|(name, _)| name == "room.room_scheduled.v1")
        .expect("a golden")
        .1;
    let schema = &document["$defs"]["room.room_scheduled.v1"];
    for (pointer, wrong) in [
        ("/price", "10.00 USD"),
        ("/price/amount_minor", "1000"),
        ("/capacity", "five"),
    ] {
        let mut other = scheduled.clone();
        *other.pointer_mut(pointer).expect("a member") = Value::from(wrong);
        assert!(check(&document, schema, &other, "").is_err(), "{pointer} is {wrong}");
    }
    let mut without = scheduled;
    without.as_object_mut().expect("an object").remove("price");
    assert!(check(&document, schema, &without, "").is_err(), "no price");
}
