//! The SQL of the typed views.

use std::fmt::Write as _;

use crate::SCHEMA;
use crate::columns::{COMMON, Column, EventTable, Kind};

/// The name of an event type's view.
pub(crate) fn name(table: &EventTable) -> String {
    format!("events_{}", table.event_type)
}

/// Every event as it is stored, and the log's end.
pub(crate) const WHOLE: &str = "
    CREATE OR REPLACE VIEW analytics.events AS
    SELECT
        position, recorded_at, aggregate_type, aggregate_id::uuid AS aggregate_id, sequence, event_type, event_version,
        payload, metadata, hash
    FROM events;
    CREATE OR REPLACE VIEW analytics.log_head AS
    SELECT position, hash, recorded_at FROM events ORDER BY position DESC LIMIT 1;
    COMMENT ON VIEW analytics.events IS 'Every event as it is stored';
    COMMENT ON VIEW analytics.log_head IS 'The last event';";

/// Makes an event type's view, or adds the columns it lacks. `present` are those it has: their order cannot be changed.
pub(crate) fn create(table: &EventTable, present: &[String]) -> String {
    let mut columns = expressions(table);
    let place = |name: &str| present.iter().position(|known| known == name);
    columns.sort_by_key(|(name, _)| place(name).unwrap_or(usize::MAX));
    let list = columns
        .iter()
        .map(|(name, expression)| format!("{expression} AS {name}"));
    let list = list.collect::<Vec<_>>().join(",\n        ");
    let view = name(table);
    let (aggregate, event) = (table.aggregate_type, &table.event_type);
    let mut sql = format!(
        "CREATE OR REPLACE VIEW {SCHEMA}.{view} AS
    SELECT
        {list}
    FROM events
    WHERE event_type = '{event}' AND aggregate_type = '{aggregate}';\n"
    );
    let about = table.about.as_deref().unwrap_or_default();
    let _ = writeln!(sql, "COMMENT ON VIEW {SCHEMA}.{view} IS {};", literal(about));
    for column in &table.columns {
        if let Some(about) = &column.about {
            let _ = writeln!(
                sql,
                "COMMENT ON COLUMN {SCHEMA}.{view}.{} IS {};",
                column.name,
                literal(about)
            );
        }
    }
    sql
}

/// Name and expression of each column, those that all views have first.
fn expressions(table: &EventTable) -> Vec<(String, String)> {
    let id = (table.id.to_owned(), "aggregate_id::uuid".to_owned());
    let common = COMMON.iter().map(|(name, _)| {
        let expression = match *name {
            "actor_id" => "metadata->>'actor_id'",
            name => name,
        };
        ((*name).to_owned(), expression.to_owned())
    });
    let mut all: Vec<_> = common.collect();
    all.insert(2, id);
    all.extend(
        table
            .columns
            .iter()
            .map(|column| (column.name.clone(), expression(column))),
    );
    all
}

fn expression(column: &Column) -> String {
    let (last, before) = column
        .path
        .split_last()
        .map_or(("", &[][..]), |(last, before)| (last.as_str(), before));
    let mut object = "payload".to_owned();
    for name in before {
        let _ = write!(object, "->'{name}'");
    }
    match column.kind {
        Kind::Text => format!("{object}->>'{last}'"),
        Kind::Uuid => format!("({object}->>'{last}')::uuid"),
        Kind::Integer => format!("({object}->>'{last}')::bigint"),
        Kind::Boolean => format!("({object}->>'{last}')::boolean"),
        Kind::Time => format!("({object}->>'{last}')::timestamptz"),
        Kind::Date => format!("({object}->>'{last}')::date"),
        Kind::Json => format!("({object}->'{last}')::jsonb"),
    }
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''").replace('\n', " "))
}
