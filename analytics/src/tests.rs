//! What the columns are, for all event types at once. That they hold what was written is tested on a database
//! (`api/tests/it/analysts`).

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::columns::{COMMON, EventTable, Kind, event_tables};

/// What PostgreSQL takes as a name.
const NAME_BYTES_MAX: usize = 63;

fn names(table: &EventTable) -> Vec<&str> {
    let common = COMMON.iter().map(|(name, _)| *name);
    let own = table.columns.iter().map(|column| column.name.as_str());
    common.chain([table.id]).chain(own).collect()
}

#[test]
fn each_column_has_a_name_of_its_own() {
    for table in event_tables() {
        let names = names(&table);
        let distinct: BTreeSet<_> = names.iter().collect();
        assert_eq!(distinct.len(), names.len(), "{}: {names:?}", table.event_type);
        for name in names {
            let is_plain = name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
            assert!(is_plain && name.len() <= NAME_BYTES_MAX, "{}: {name}", table.event_type);
        }
    }
}

#[test]
fn money_is_whole_minor_units_with_a_currency_beside() {
    let mut amounts = 0;
    for table in event_tables() {
        for column in &table.columns {
            let Some(name) = column.name.strip_suffix("_minor") else {
                continue;
            };
            assert_eq!(column.kind, Kind::Integer, "{}: {name}", table.event_type);
            if column.path.last().is_some_and(|last| last == "amount_minor") {
                amounts += 1;
                let currency = format!("{name}_currency");
                assert!(
                    table
                        .columns
                        .iter()
                        .any(|other| other.name == currency && other.kind == Kind::Text)
                );
            }
        }
    }
    assert!(amounts > 30, "{amounts} amounts");
}

/// Columns that analysts rely on: one that goes away, or becomes another kind, is seen here.
#[test]
fn the_columns_of_every_event_type_are_as_they_were() {
    let mut text = String::new();
    for table in event_tables() {
        let _ = writeln!(text, "{} ({})", table.event_type, table.id);
        for column in &table.columns {
            let _ = writeln!(text, "    {} {:?}", column.name, column.kind);
        }
    }
    insta::assert_snapshot!(text);
}
