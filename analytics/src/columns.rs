//! The columns of each event type, made from what the domain says of its stored form.
//!
//! A field that is an object becomes a column for each of its fields (`terms` has `terms_channel`); money becomes two, the
//! amount in minor units and the currency (`price_minor`, `price_currency`). What has no fixed fields, such as a list, stays
//! JSON. A field that is not there is NULL.

use domain::event_schemas;
use serde_json::{Map, Value};

/// What a column holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Uuid,
    Text,
    Integer,
    Boolean,
    Time,
    Date,
    Json,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Column {
    pub name: String,
    /// Where it is in the payload.
    pub path: Vec<String>,
    pub kind: Kind,
    pub about: Option<String>,
}

/// One event type as a table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EventTable {
    pub aggregate_type: &'static str,
    pub event_type: String,
    /// The column that holds the aggregate's id.
    pub id: &'static str,
    pub about: Option<String>,
    /// Those of the payload.
    pub columns: Vec<Column>,
}

/// Columns that every event type has, beside the one with the aggregate's id.
pub const COMMON: [(&str, Kind); 5] = [
    ("position", Kind::Integer),
    ("recorded_at", Kind::Time),
    ("sequence", Kind::Integer),
    ("event_version", Kind::Text),
    ("actor_id", Kind::Text),
];

/// Every event type there is.
pub fn event_tables() -> Vec<EventTable> {
    let tables = event_schemas().into_iter().map(|schema| {
        let id = match schema.aggregate_type {
            "room" => "room_id",
            "ticket" => "ticket_id",
            "payout" => "host_id",
            _ => "shop_id",
        };
        let mut columns = Vec::new();
        fields(&schema.schema, &[], &mut columns);
        // The tag is the table; an aggregate's id is there already.
        columns.retain(|column| column.path != ["type"] && column.name != id);
        for column in &mut columns {
            if COMMON.iter().any(|(name, _)| *name == column.name) {
                column.name.insert_str(0, "payload_");
            }
        }
        EventTable {
            aggregate_type: schema.aggregate_type,
            event_type: schema.event_type,
            id,
            about: about(&schema.schema),
            columns,
        }
    });
    tables.collect()
}

fn about(schema: &Value) -> Option<String> {
    schema.get("description").and_then(Value::as_str).map(str::to_owned)
}

/// A column, or several, for each field of an object.
fn fields(schema: &Value, path: &[String], columns: &mut Vec<Column>) {
    let Some(properties) = properties(schema) else { return };
    for (name, field) in properties {
        let path = [path, std::slice::from_ref(name)].concat();
        let present = unless_null(field);
        if let Some(kind) = kind(present) {
            columns.push(Column {
                name: path.join("_"),
                path,
                kind,
                about: about(field).or_else(|| about(present)),
            });
        } else if is_money(present) {
            columns.extend(money(&path, about(field)));
        } else {
            fields(present, &path, columns);
        }
    }
}

/// The fields of an object that has no others and no alternatives.
fn properties(schema: &Value) -> Option<&Map<String, Value>> {
    let has_others = schema.get("additionalProperties").is_some_and(Value::is_object);
    let has_alternatives = ["oneOf", "anyOf"].into_iter().any(|word| schema.get(word).is_some());
    if has_others || has_alternatives {
        return None;
    }
    schema.get("properties").and_then(Value::as_object)
}

/// What a field is if it is there.
fn unless_null(schema: &Value) -> &Value {
    let Some(alternatives) = schema.get("anyOf").and_then(Value::as_array) else {
        return schema;
    };
    let mut others = alternatives.iter().filter(|one| one["type"] != "null");
    match (others.next(), others.next()) {
        (Some(only), None) => only,
        _ => schema,
    }
}

/// `None` for an object with fields of its own.
fn kind(schema: &Value) -> Option<Kind> {
    let name = match schema.get("type") {
        Some(Value::String(name)) => Some(name.as_str()),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).find(|name| *name != "null"),
        _ => None,
    };
    let format = schema.get("format").and_then(Value::as_str);
    match (name, format) {
        (Some("string"), Some("uuid")) => Some(Kind::Uuid),
        (Some("string"), Some("date-time")) => Some(Kind::Time),
        (Some("string"), Some("date")) => Some(Kind::Date),
        (Some("string"), _) => Some(Kind::Text),
        (Some("integer"), _) => Some(Kind::Integer),
        (Some("boolean"), _) => Some(Kind::Boolean),
        _ if is_word(schema) => Some(Kind::Text),
        _ if properties(schema).is_some() => None,
        _ => Some(Kind::Json),
    }
}

/// One of some words, each of which may be described.
fn is_word(schema: &Value) -> bool {
    let alternatives = schema.get("oneOf").and_then(Value::as_array);
    alternatives.is_some_and(|words| words.iter().all(|word| word["type"] == "string"))
}

fn is_money(schema: &Value) -> bool {
    properties(schema).is_some_and(|fields| {
        fields.len() == 2 && fields.contains_key("amount_minor") && fields.contains_key("currency")
    })
}

fn money(path: &[String], about: Option<String>) -> [Column; 2] {
    let part = |field: &str, suffix: &str, kind, about| Column {
        name: format!("{}_{suffix}", path.join("_")),
        path: [path, &[field.to_owned()]].concat(),
        kind,
        about,
    };
    [
        part("amount_minor", "minor", Kind::Integer, about),
        part("currency", "currency", Kind::Text, None),
    ]
}
