//! Every field of every event type is in a column of its view, with the value that was written.
#![expect(clippy::disallowed_methods, reason = "tests read views, which are made at run time")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use analytics::install::{READER, install};
use serde_json::{Map, Value};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

const ID: &str = "01890a5d-ac96-774b-bcce-000000000001";

/// Event type, and aggregate and payload of its stored form: one for each type there is, which `domain` sees to.
fn goldens() -> BTreeMap<String, (String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../domain/tests/golden");
    let read = |file: std::io::Result<fs::DirEntry>| {
        let path = file.expect("a file").path();
        let name = path.file_name().expect("a name").to_str().expect("UTF-8").to_owned();
        let parts: Vec<_> = name.split('.').map(str::to_owned).collect();
        let text = fs::read_to_string(&path).expect("readable");
        (
            parts[1].clone(),
            (parts[0].clone(), serde_json::from_str(&text).expect("JSON")),
        )
    };
    fs::read_dir(folder).expect("the golden folder").map(read).collect()
}

/// What columns have to say: leaves by name, with money in two parts. Whatever is in lists is there as it is.
fn leaves(name: &str, value: &Value, found: &mut Map<String, Value>) {
    match value {
        Value::Object(fields) if fields.contains_key("amount_minor") && fields.len() == 2 => {
            found.insert(format!("{name}_minor"), fields["amount_minor"].clone());
            found.insert(format!("{name}_currency"), fields["currency"].clone());
        }
        Value::Object(fields) => {
            for (field, value) in fields {
                let name = if name.is_empty() {
                    field.clone()
                } else {
                    format!("{name}_{field}")
                };
                leaves(&name, value, found);
            }
        }
        leaf => {
            found.insert(name.to_owned(), leaf.clone());
        }
    }
}

/// What a view shows of the event at a position.
async fn shown(pool: &PgPool, event_type: &str, position: i64) -> Map<String, Value> {
    let sql = format!("SELECT to_jsonb(event) FROM analytics.events_{event_type} AS event WHERE position = $1");
    let row: Value = sqlx::query_scalar(&sql)
        .bind(position)
        .fetch_one(pool)
        .await
        .unwrap_or_else(|error| panic!("{event_type}: {error}"));
    row.as_object().expect("a row").clone()
}

/// Times and numbers are compared as what they mean.
fn is_same(shown: &Value, written: &Value) -> bool {
    let time = |value: &Value| {
        value
            .as_str()
            .and_then(|text| chrono::DateTime::parse_from_rfc3339(text).ok())
    };
    match (time(shown), time(written)) {
        (Some(shown), Some(written)) => shown.timestamp_micros() == written.timestamp_micros(),
        _ => shown == written,
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn no_field_is_forgotten(_: PgPoolOptions, options: PgConnectOptions) {
    let pool = PgPoolOptions::new().connect_with(options).await.expect("a database");
    let goldens = goldens();
    let views = install(&pool, &READER.parse().expect("a role"))
        .await
        .expect("installed");
    assert_eq!(views, goldens.len(), "a view for each type");
    let mut sequencer = pool.acquire().await.expect("a connection");
    sqlx::raw_sql("SET ROLE boxoffice_sequencer")
        .execute(&mut *sequencer)
        .await
        .expect("the role");
    for (position, (event_type, (aggregate, payload))) in (1_i64..).zip(&goldens) {
        sqlx::query(
            "INSERT INTO events VALUES ($1, $2, $3, $1, $4, '1', convert_from($5, 'UTF8')::json,
                 '{\"actor_id\": \"somebody\"}', now(), sha256($2::bytea))",
        )
        .bind(position)
        .bind(aggregate)
        .bind(ID)
        .bind(event_type)
        .bind(payload.to_string().as_bytes())
        .execute(&mut *sequencer)
        .await
        .expect("inserted");
        let row = shown(&pool, event_type, position).await;
        let mut written = Map::new();
        leaves("", payload, &mut written);
        written.remove("type");
        for (name, value) in &written {
            // A form of several, such as a policy, is one column.
            let whole = |name: &str| name.rsplit_once('_').map(|(whole, _)| whole.to_owned());
            let is_shown = row.get(name).is_some_and(|shown| is_same(shown, value))
                || row
                    .get(&format!("payload_{name}"))
                    .is_some_and(|shown| is_same(shown, value))
                || is_id_of_stream(aggregate, name)
                || std::iter::successors(whole(name), |name| whole(name))
                    .any(|whole| row.get(&whole).is_some_and(Value::is_object));
            assert!(is_shown, "{event_type}: {name} = {value} is not in {row:?}");
        }
        assert_eq!(row["actor_id"], "somebody");
    }
    drop(sequencer);
    pool.close().await;
}

/// The aggregate's own id is a column already.
fn is_id_of_stream(aggregate: &str, name: &str) -> bool {
    matches!((aggregate, name), ("room", "room_id") | ("ticket", "ticket_id"))
}
