//! Where a flow ended: aggregates, books, the provider's own books, and the checker's verdict. Without ids and times, so
//! that two runs compare.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::DateTime;
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

use super::life::Process;
use super::steps::{Run, Scene};

/// Tickets that a flow may have.
const TICKETS_MAX: u8 = 4;

/// By account and currency.
pub(super) type Books = BTreeMap<(String, String), i128>;

/// The whole log is judged, each time.
pub(super) async fn judge(pool: &PgPool) -> Books {
    let task = checker::Task {
        database: (*pool.connect_options()).clone(),
        acknowledged: vec![],
        patience: Duration::ZERO,
    };
    let report = checker::check(&task).await.unwrap();
    assert!(report.ok, "{report}");
    report.balances
}

#[derive(PartialEq, Eq, Debug)]
pub(super) struct Outcome {
    aggregates: Vec<Value>,
    books: Books,
    provider: Vec<String>,
    /// How many of each kind were recorded.
    events: BTreeMap<String, i64>,
    dead_jobs: i64,
    webhooks_put_aside: i64,
}

impl Outcome {
    /// `before` and `after`: the books as they were then.
    pub(super) async fn of(
        scene: &Scene,
        aggregates: Vec<Value>,
        pool: &PgPool,
        before: &Books,
        after: &Books,
    ) -> Self {
        let run = scene.run;
        let moved = after.iter().map(|(key, minor)| {
            let (account, currency) = key;
            let moved = minor - before.get(key).copied().unwrap_or(0);
            ((run.named(account), currency.clone()), moved)
        });
        let provider = scene.outside.provider.books();
        let of_this_run = (1..=TICKETS_MAX).map(|number| run.payment(number).to_string());
        let payments: Vec<String> = of_this_run.collect();
        let is_mine = |line: &&String| payments.iter().any(|payment| line.contains(payment));
        let transfers = provider.iter().filter(|line| line.starts_with("transfer"));
        let mut provider: Vec<String> = provider
            .iter()
            .filter(is_mine)
            .chain(transfers.filter(|line| run.is_named_in(line)))
            .map(|line| run.named(line))
            .collect();
        provider.sort();
        let now = event_log::Clock::now(&scene.outside.clock);
        let jobs = crate::jobs::count(pool, now).await.unwrap();
        assert_eq!(jobs.due, 0, "it rests");
        Self {
            aggregates,
            books: moved.filter(|(_, minor)| *minor != 0).collect(),
            provider,
            events: events(run, pool).await,
            dead_jobs: jobs.dead,
            webhooks_put_aside: crate::inbox::count(pool).await.unwrap().put_aside,
        }
    }
}

/// The room, the host's account and the tickets, as the process has them.
pub(super) async fn aggregates(run: Run, process: &Process) -> Vec<Value> {
    let aggregates = &process.deps.aggregates;
    let whole = |state: &domain::Room| serde_json::to_value(state).unwrap();
    let mut states = vec![aggregates.rooms.read(run.room().as_uuid(), whole).await.unwrap().0];
    let whole = |state: &domain::Payout| serde_json::to_value(state).unwrap();
    states.push(aggregates.payouts.read(run.host().as_uuid(), whole).await.unwrap().0);
    for number in 1..=TICKETS_MAX {
        let whole = |state: &domain::Ticket| serde_json::to_value(state).unwrap();
        let id = run.ticket(number).as_uuid();
        states.push(aggregates.tickets.read(id, whole).await.unwrap().0);
    }
    states.into_iter().map(|state| run.compared(state)).collect()
}

async fn events(run: Run, pool: &PgPool) -> BTreeMap<String, i64> {
    let tickets = (1..=TICKETS_MAX).map(|number| run.ticket(number).to_string());
    let streams: Vec<String> = tickets
        .chain([run.room().to_string(), run.host().to_string()])
        .collect();
    let counts = sqlx::query!(
        r#"SELECT event_type, count(*) AS "count!" FROM events WHERE aggregate_id = ANY($1) GROUP BY event_type"#,
        &streams
    );
    let counts = counts.fetch_all(pool).await.unwrap();
    counts.into_iter().map(|row| (row.event_type, row.count)).collect()
}

impl Run {
    /// Ids as they are called in this run, times as times. Objects that are keyed by ids are in the order of their names.
    fn compared(self, value: Value) -> Value {
        match value {
            Value::String(text) if DateTime::parse_from_rfc3339(&text).is_ok() => "a time".into(),
            Value::String(text) => self.named(&text).into(),
            Value::Array(items) => items.into_iter().map(|item| self.compared(item)).collect(),
            Value::Object(fields) => {
                let mut fields: Vec<(String, Value)> = fields
                    .into_iter()
                    .map(|(name, value)| (self.named(&name), self.compared(value)))
                    .collect();
                fields.sort_by_cached_key(|(name, value)| (name.clone(), value.to_string()));
                fields
                    .into_iter()
                    .map(|(name, value)| Value::from(vec![name.into(), value]))
                    .collect()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value,
        }
    }

    /// A text, with the ids in it as they are called. Those that processes derive have no other name.
    fn named(self, text: &str) -> String {
        let is_of_id = |char: char| char.is_ascii_hexdigit() || char == '-';
        let mut named = String::new();
        let mut rest = text;
        while let Some(start) = rest.find(is_of_id) {
            let (before, from) = rest.split_at(start);
            let end = from.find(|char| !is_of_id(char)).unwrap_or(from.len());
            let (word, after) = from.split_at(end);
            named.push_str(before);
            match Uuid::try_parse(word) {
                Ok(id) => named.push_str(&self.name(id).unwrap_or_else(|| "an id".to_owned())),
                Err(_) => named.push_str(word),
            }
            rest = after;
        }
        named + rest
    }

    fn is_named_in(self, text: &str) -> bool {
        let words = text.split(|char: char| !char.is_ascii_hexdigit() && char != '-');
        words
            .filter_map(|word| Uuid::try_parse(word).ok())
            .any(|id| self.name(id).is_some())
    }
}
